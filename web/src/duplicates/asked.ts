// How duplicates are looked for: what a table's columns suggest, what cannot be compared and why, and the page's address. Compares nothing.
import type { Asked, Compare, ComparedColumn } from '../api/duplicates';
import type { Column, FieldType } from '../api/wire';
import { words } from '../text/duplicates';

/** What the server takes unless it is told. */
export const SIMILARITY = 0.85;

const PROPOSED_MAX = 6;
const COMPARES: readonly Compare[] = ['fuzzy', 'normalised', 'exact'];

/** Names of columns that say what a record is. */
const TELLING = /name|title|first|last|given|family|company|organi[sz]ation|firm|street|address|city|town|suburb|birth|mail|phone|mobile/i;
/** Names of columns that number records: those of two records for one thing differ. */
const NUMBERING = /(^|[\s_-])(ids?|uuid|guid|keys?|no|nr|number|code|ref)$/i;

/** Why a column cannot be compared. */
export function whyNot(column: Column, types: FieldType[]): string | null {
  if (column.encrypted) return column.encrypted.indexed ? null : words.form.why.sealed;
  const computed = types.find((type) => type.id === column.fieldType)?.flags.computed ?? false;
  // The other side of a relation is worked out, though relations are not.
  return computed || column.config?.reverseOf ? words.form.why.computed : null;
}

/** The ways in which a column can be compared. */
export function comparesOf(column: Column): readonly Compare[] {
  return column.encrypted ? ['exact'] : COMPARES;
}

function tells(column: Column): boolean {
  const name = `${column.name} ${column.slug}`;
  switch (column.fieldType) {
    case 'email':
    case 'phone':
      return true;
    case 'text':
      return !NUMBERING.test(column.name) && !NUMBERING.test(column.slug) && (column.isPrimary || TELLING.test(name));
    case 'date':
      return /birth/i.test(name);
    default:
      return false;
  }
}

export const asLike = (column: Column): ComparedColumn => ({
  column: column.slug,
  ...(column.encrypted ? { compare: 'exact' } : { compare: 'fuzzy', similarity: SIMILARITY }),
});

/** What finds something at once: names, addresses and numbers to call, by likeness. Never ids, nor what is counted or encrypted. */
export function proposed(columns: Column[], types: FieldType[]): Asked {
  const possible = columns.filter((column) => whyNot(column, types) === null && !column.encrypted && !column.generated);
  const telling = possible.filter(tells);
  const texts = possible.filter((column) => column.fieldType === 'text' && !NUMBERING.test(column.slug));
  const chosen = telling.length > 0 ? telling.slice(0, PROPOSED_MAX) : texts.length > 0 ? texts.slice(0, 1) : possible.filter((column) => column.isPrimary);
  return { columns: chosen.map(asLike) };
}

/** What of it the table can still do: columns go, and are encrypted. */
function possibleOf(asked: Asked, columns: Column[], types: FieldType[]): Asked {
  const there = (slug: string) => columns.find((column) => column.slug === slug && whyNot(column, types) === null);
  const compared = asked.columns.filter((one) => {
    const column = there(one.column);
    return column && comparesOf(column).includes(one.compare);
  });
  const blocking = asked.blocking?.filter((slug) => there(slug) && !there(slug)?.encrypted);
  return { ...asked, columns: compared, ...(blocking?.length ? { blocking } : { blocking: undefined }) };
}

const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

/** What the address says; null if nothing of it makes sense. */
export function readAsked(raw: string | null, columns: Column[], types: FieldType[]): Asked | null {
  if (!raw) return null;
  try {
    const read = JSON.parse(raw) as Partial<Asked> | null;
    if (!Array.isArray(read?.columns)) return null;
    const named = read.columns.filter((one) => typeof one?.column === 'string' && COMPARES.includes(one.compare));
    const asked: Asked = {
      columns: named.map(({ column, compare, similarity }) => ({
        column, compare, ...(compare === 'fuzzy' ? { similarity: isShare(similarity) ? similarity : SIMILARITY } : {}),
      })),
      ...(read.caseSensitive === true ? { caseSensitive: true } : {}),
      ...(Array.isArray(read.blocking) ? { blocking: read.blocking.filter((slug) => typeof slug === 'string') } : {}),
    };
    const possible = possibleOf(asked, columns, types);
    return possible.columns.length > 0 ? possible : null;
  } catch {
    return null;
  }
}

/** Compared columns in words. */
export function askedInWords(asked: Asked, columns: Column[]): string {
  const nameOf = (slug: string) => columns.find((column) => column.slug === slug)?.name ?? slug;
  const one = (compared: ComparedColumn) =>
    words.form.howShort(nameOf(compared.column), compared.compare, words.percent(compared.similarity ?? SIMILARITY));
  const by = words.form.by(asked.columns.map(one).join(', '));
  return asked.blocking?.length ? `${by}; ${words.form.within(asked.blocking.map(nameOf).join(', '))}` : by;
}
