// The import as the page thinks of it: which step is shown, where each column goes, what is said to the server about it. Draws and sends nothing.
import { inWorkspace } from '../api/places';
import type { AnalysedColumn, Column, ImportChange, ImportDraft, ImportOptions, ImportStatus, Table } from '../api/wire';
import { editable } from '../fields/registry';
import { newColumnsOf } from './newColumns';

export const STEPS = ['source', 'preview', 'map', 'rules', 'check', 'run', 'result'] as const;
export type Step = (typeof STEPS)[number];

/** The steps of an import that was not begun: each can be gone to. */
const OPEN_STEPS: readonly string[] = ['preview', 'map', 'rules', 'check'];

/** The step that is shown: the one the address asks for, as far as the import has it. */
export function stepOf(one: ImportStatus, asked: string | null): Step {
  if (one.running) return asked === 'check' && one.progress?.phase === 'checking' ? 'check' : 'run';
  if (!one.draft) return 'result';
  if (asked !== null && OPEN_STEPS.includes(asked)) return asked as Step;
  return asked !== null || one.draft.check || one.draft.failure ? 'check' : 'preview';
}

/** The page of an import, which names the workspace if that is not the default one. */
export function pathOf(workspace: string, id: string, step?: Step): string {
  const query = new URLSearchParams({ ...inWorkspace(workspace), ...(step ? { step } : {}) }).toString();
  return `/imports/${encodeURIComponent(id)}${query ? `?${query}` : ''}`;
}

/** What an import does unless somebody says otherwise: what is refused is shown before anything is written. */
export const AT_FIRST: ImportOptions = { createColumns: true, createOptions: true, continueOnError: true };

export const NEW = '\u0000new';
export const SKIP = '\u0000skip';
export const KEY = 'id';
export const EXTERNAL_ID = 'externalId';

/** What a file of refused rows has beside its columns. */
const OF_REFUSED_ROWS = ['_row', '_error'];
/** What an export may have beside columns, and the store keeps by itself. */
const KEPT_BY_STORE = ['version', 'createdAt', 'updatedAt', 'createdBy', 'updatedBy', 'expiresAt', 'deletedAt'];

export type Targets = Record<string, string>;

/** The columns of a table that a file can fill. */
export const fillable = (table: Table | undefined): Column[] => (table?.columns ?? []).filter(editable);

/** Where a column goes that nobody said anything about; `taken` are the columns that are filled already. */
function targetAtFirst(column: AnalysedColumn, table: Table | undefined, taken: Set<string>): string {
  const { header } = column;
  if (OF_REFUSED_ROWS.includes(header)) return SKIP;
  const same = table?.columns?.find((one) => one.slug === column.matches);
  if (same && !taken.has(same.slug)) return editable(same) ? same.slug : SKIP;
  if (header === EXTERNAL_ID) return EXTERNAL_ID;
  if (table && header === KEY) return KEY;
  return table && KEPT_BY_STORE.includes(header) ? SKIP : NEW;
}

/** Where each column of the file goes, by its header: a slug, `NEW` or `SKIP`. */
export function targetsOf(draft: ImportDraft, table: Table | undefined): Targets {
  const said = draft.mapping;
  const known = (slug: string) => slug === KEY || slug === EXTERNAL_ID || Boolean(table?.columns?.some((one) => one.slug === slug));
  const targets: Targets = {};
  const taken = new Set(Object.values(said).filter((slug): slug is string => slug !== null));
  for (const column of draft.analysis.columns) {
    const slug = said[column.header];
    const target = slug === undefined ? targetAtFirst(column, table, taken) : slug === null ? SKIP : known(slug) ? slug : NEW;
    taken.add(target);
    targets[column.header] = target;
  }
  return targets;
}

/** A slug that no column has. */
function freeSlug(base: string, taken: Set<string>): string {
  let slug = base;
  for (let i = 2; taken.has(slug) || slug === KEY || slug === EXTERNAL_ID; i++) slug = `${base}${i}`;
  taken.add(slug);
  return slug;
}

/** The mapping that says so. Of a new table only what the server would not do by itself is said. */
export function mappingOf(targets: Targets, draft: ImportDraft, table: Table | undefined): Record<string, string | null> {
  const taken = new Set((table?.columns ?? []).map((one) => one.slug));
  for (const target of Object.values(targets)) taken.add(target);
  const mapping: Record<string, string | null> = {};
  for (const column of draft.analysis.columns) {
    const target = targets[column.header];
    if (target === undefined) continue;
    if (target === SKIP) mapping[column.header] = null;
    else if (target !== NEW) mapping[column.header] = target;
    else if (table || column.header === EXTERNAL_ID) mapping[column.header] = freeSlug(column.slug, taken);
  }
  return mapping;
}

/** The options as they are, with the header said that was only seen: without it the first row would count as names. */
export function optionsOf(draft: ImportDraft): ImportOptions {
  const { options, analysis } = draft;
  return options.skipFirstRow == null && !analysis.hasHeader ? { ...options, skipFirstRow: false } : options;
}

/** The same text for the same JSON, in whatever order its members are. */
function canonical(json: unknown): string {
  return JSON.stringify(json, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value,
  );
}

/** What has to be said so that everything goes where the page shows it, as the types that were chosen; null if that is so already. */
export function settling(draft: ImportDraft, table: Table | undefined, targets = targetsOf(draft, table), types: Record<string, string> = {}): ImportChange | null {
  const mapping = mappingOf(targets, draft, table);
  const fresh = Object.keys(targets).filter((header) => targets[header] === NEW);
  const now = optionsOf(draft);
  const newColumns = newColumnsOf(draft, fresh, mapping, types);
  const columns = newColumns.length > 0 || now.newColumns ? { newColumns } : {};
  const options = { ...now, createColumns: table ? fresh.length > 0 : true, ...columns };
  const same = canonical(mapping) === canonical(draft.mapping) && canonical(options) === canonical(draft.options);
  return same ? null : { mapping, options };
}

/** Whether nothing was said yet, as of a file that was brought by a program. */
export function unsettled(draft: ImportDraft): boolean {
  return optionsOf(draft) !== draft.options || (!draft.newTable && Object.keys(draft.mapping).length === 0);
}

/** Another way to read the file: its columns may be others, so nothing that was said of them holds. */
export function readAnew(draft: ImportDraft, how: Partial<ImportOptions>): ImportChange {
  return {
    options: { ...optionsOf(draft), ...how, newColumns: [], matchOn: null, updateExisting: false, updateOnly: false, externalIdColumn: null },
    mapping: {},
  };
}

/** Required columns that no row of the file would fill; rows that update records need not fill them. */
export function missing(targets: Targets, draft: ImportDraft, table: Table | undefined): Column[] {
  if ((draft.options.matchOn ?? []).length > 0) return [];
  const used = Object.values(targets);
  return fillable(table).filter((one) => one.validation?.required && (one.defaultValue ?? null) === null && !one.generated && !used.includes(one.slug));
}

/** What the server says is wrong with the mapping of one column of the file. */
export function problemOf(draft: ImportDraft, header: string): string | null {
  const found = draft.problems.find((one) => one.field === `mapping.${header}`);
  return found ? found.message : null;
}

/** `sales-2024_final.csv.gz` → `Sales 2024 final`. */
export function tableNameOf(file: string): string {
  const base = file.replace(/\.(gz|zst|zip)$/i, '').replace(/\.[^.]*$/, '').replace(/[-_]+/g, ' ').trim();
  return base.charAt(0).toUpperCase() + base.slice(1);
}

const HEAD_BYTES = 4096;
/** Packed files and workbooks (gzip, Zstandard, zip), and text that says it is UTF-16. */
const SURE = [[0x1f, 0x8b], [0x28, 0xb5, 0x2f, 0xfd], [0x50, 0x4b], [0xff, 0xfe], [0xfe, 0xff]];
/** Pictures (JPEG, GIF) and PDF documents. */
const NO_TABLES = [[0xff, 0xd8, 0xff], [0x47, 0x49, 0x46, 0x38], [0x25, 0x50, 0x44, 0x46]];

/** Whether a file can be a table at all: packed, or text. Pictures and programs have zeros where no text has them. */
export async function mayBeTable(file: File): Promise<boolean> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const begins = (marks: number[][]) => marks.some((mark) => mark.every((byte, i) => head[i] === byte));
  if (begins(SURE)) return true;
  // UTF-16 that does not say so has zeros too, but in every other byte only.
  const zeroAt = (odd: number) => head.some((byte, i) => byte === 0 && i % 2 === odd);
  return !begins(NO_TABLES) && !(zeroAt(0) && zeroAt(1));
}
