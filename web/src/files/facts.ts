// What is known of the files that a value names: found beside the value, or kept since they were brought here. Asks for nothing.
import type { FieldColumn, FileFacts, Rec } from '../api/wire';

/** Types whose columns name files, and whether they name several. */
export const FILE_TYPES: Record<string, boolean | undefined> = { file: false, files: true };

export const namesFiles = (column: Pick<FieldColumn, 'fieldType'>): boolean => FILE_TYPES[column.fieldType] !== undefined;

export const takesSeveral = (column: Pick<FieldColumn, 'fieldType'>): boolean => FILE_TYPES[column.fieldType] === true;

export function idsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' && value !== '' ? [value] : [];
}

/** As a column holds them. */
export const valueOf = (ids: string[], column: Pick<FieldColumn, 'fieldType'>): unknown =>
  ids.length === 0 ? null : takesSeveral(column) ? ids : ids[ids.length - 1];

/** What was brought on this page: a value may name it before the server has described it beside a record. */
const brought = new Map<string, FileFacts>();

export function remember(file: FileFacts): void {
  brought.set(file.id, file);
}

/** A file of which nothing but its id is known. */
export interface UnknownFile {
  id: string;
  name?: undefined;
}

export type AnyFile = FileFacts | UnknownFile;

/** What a value names, in its order. */
export function filesOf(value: unknown, described: readonly FileFacts[] | undefined): AnyFile[] {
  return idsOf(value).map((id) => described?.find((one) => one.id === id) ?? brought.get(id) ?? { id });
}

/** What the server says beside a record about the files of one of its columns. */
export const describedIn = (record: Rec | undefined, column: Pick<FieldColumn, 'slug'>): FileFacts[] | undefined => record?.data._files?.[column.slug];

const settingOf = (column: FieldColumn, name: string): number => {
  const value = column.config?.[name];
  return typeof value === 'number' && value > 0 ? value : Infinity;
};

/** The largest file that fits, in bytes. */
export const sizeMax = (column: FieldColumn): number => settingOf(column, 'maxSize');

/** How many fit. */
export const countMax = (column: FieldColumn): number => (takesSeveral(column) ? settingOf(column, 'maxFiles') : 1);

export function acceptOf(column: FieldColumn): string {
  const accept = column.config?.accept;
  return typeof accept === 'string' ? accept : '';
}
