// New columns whose type somebody chose: the server makes new columns with the types that keep every value as it is written, so these are
// said to it with the options, and made when the import writes. Sends nothing.
import type { AnalysedColumn, ColumnCreate, ImportDraft } from '../api/wire';
import { COLORS } from '../ui/TableMark';

/** Types a file's column can be given here; the others need settings that the column editor offers. */
const OFFERED = ['text', 'longText', 'number', 'boolean', 'date', 'dateTime', 'time', 'currency', 'percent', 'email', 'url', 'phone', 'barcode'];

export const typesOf = (column: AnalysedColumn, proposed: string): string[] => [
  ...new Set([proposed, column.fieldType, ...column.suggestions.map((one) => one.fieldType), ...OFFERED]),
];

/** The type that a new column gets by itself. */
export const typeByItself = (draft: ImportDraft, column: AnalysedColumn): string => (draft.options.allText ? 'text' : column.fieldType);

/** One value in so many, at most, for a column to be nearly of a type. */
const NEARLY = 100;

export interface NearlyTyped {
  header: string;
  fieldType: string;
  /** Values that would be refused or changed. */
  off: number;
  of: number;
}

/** New columns that stay text though nearly all their values are of another type: mostly because of a typing mistake. */
export function nearlyTyped(draft: ImportDraft, fresh: string[]): NearlyTyped[] {
  // Under another locale nothing was counted.
  if (draft.options.locale) return [];
  return draft.analysis.columns
    .filter(({ header }) => fresh.includes(header) && !saidOf(draft, header))
    .filter((column) => !draft.options.allText && column.fieldType === 'text')
    .flatMap(({ header, suggestions }) =>
      suggestions
        .map(({ fieldType, wouldChange, wouldFail, of }) => ({ header, fieldType, off: wouldChange + wouldFail, of }))
        .filter(({ off, of }) => off > 0 && off * NEARLY <= of)
        .slice(0, 1),
    );
}

/** What was said of a column of the file: found by the slug that it goes to, or by its name. */
export function saidOf(draft: ImportDraft, header: string): ColumnCreate | undefined {
  const said = draft.options.newColumns ?? [];
  const slug = draft.mapping[header];
  return said.find((one) => one.slug != null && one.slug === slug) ?? said.find((one) => one.name === header);
}

const coloured = (names: string[]) => names.map((name, i) => ({ name, color: COLORS[(i + 6) % COLORS.length] }));

/** A column of the file as a column of the table, of another type than it gets by itself. */
function columnOf(column: AnalysedColumn, fieldType: string): ColumnCreate {
  const found = column.suggestions.find((one) => one.fieldType === fieldType);
  const config = fieldType === column.fieldType ? column.config : (found?.config ?? {});
  return {
    name: column.header,
    fieldType,
    ...(Object.keys(config).length > 0 ? { config } : {}),
    ...(found && found.options.length > 0 ? { options: coloured(found.options) } : {}),
  };
}

/**
 * What is to be said of the columns of the file that become new ones, where each goes being `mapping`: as before, and for `chosen`, by header,
 * another type. Of the others nothing is said any more: a column that nothing goes into is none.
 */
export function newColumnsOf(
  draft: ImportDraft,
  fresh: string[],
  mapping: Record<string, string | null>,
  chosen: Record<string, string> = {},
): ColumnCreate[] {
  return draft.analysis.columns
    .filter((column) => fresh.includes(column.header))
    .flatMap((column) => {
      const said = saidOf(draft, column.header);
      const type = chosen[column.header] ?? said?.fieldType ?? typeByItself(draft, column);
      if (type === typeByItself(draft, column) && type !== said?.fieldType) return [];
      const { slug: _old, ...made } = said?.fieldType === type ? said : columnOf(column, type);
      const slug = mapping[column.header];
      return [slug == null ? made : { ...made, slug }];
    });
}
