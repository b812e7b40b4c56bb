// The export of a whole table, known by how it begins. Sends nothing.
import { words } from '../text/shape';

const { whole: say } = words;

/** The most that the server takes as one body, 32 MiB. */
export const BODY_MIB_MAX = 32;
const BODY_BYTES_MAX = BODY_MIB_MAX * 1024 * 1024;
const HEAD_BYTES = 4_096;
/** An object that has the table before anything else of several parts. */
const BEGINS = /^\uFEFF?\s*\{[^{}[\]]*"table"\s*:\s*\{/;

export interface WholeTable {
  /** As it came, with every digit. */
  json: string;
  name: string;
  columns: number;
  records: number;
  /** Columns of which the file has masks instead of values, which the import leaves out. */
  masked: string[];
}

interface Shape {
  table?: { name?: unknown };
  columns?: { name: string; encrypted?: unknown }[];
  records?: unknown[];
}

/** What a file says of a whole table; none if it is of another kind. */
export async function wholeTableOf(file: File): Promise<WholeTable | null> {
  if (!BEGINS.test(await file.slice(0, HEAD_BYTES).text())) return null;
  if (file.size > BODY_BYTES_MAX) throw new Error(say.tooLarge(file.name, BODY_MIB_MAX));
  const json = await file.text();
  let shape: Shape;
  try {
    shape = JSON.parse(json) as Shape;
  } catch {
    throw new Error(say.broken(file.name));
  }
  const { table, columns, records } = shape;
  if (typeof table?.name !== 'string' || !Array.isArray(columns) || !Array.isArray(records)) return null;
  const masked = records.length > 0 ? columns.filter((one) => one.encrypted != null) : [];
  return {
    json,
    name: table.name,
    columns: columns.length,
    records: records.length,
    masked: masked.map((one) => one.name),
  };
}
