// What an export asks for: which records, which columns, in which form. A question stands in the address, which has a limit:
// many ticked records are asked for in parts.
import { saveFile } from '../api/http';
import { exported, type ExportFormat } from '../api/shaping';
import type { FilterNode, SortKey } from '../api/wire';
import { words } from '../text/shape';

/** Characters of a question that an address takes beside the rest of it, of 8 KiB in all. */
const QUESTION_MAX = 7_800;
/** Keys that one address takes, with room for a filter and columns. */
export const KEYS_IN_ADDRESS_MAX = 100;

export interface Asked {
  table: string;
  format: ExportFormat;
  filter?: FilterNode;
  sort: SortKey[];
  search: string;
  /** Whether words that are merely like those searched for count. */
  fuzzy: boolean;
  /** None: all of them. */
  columns?: string[];
  header: 'names' | 'slugs' | 'none';
  links: 'id' | 'label' | 'both';
  escape: boolean;
}

/** Ticked records: some, or everything that is shown but some. */
export interface Ticked {
  all: boolean;
  keys: string[];
}

/** What a filter calls the key of a record, whichever column it stands in. */
const KEY = 'id';

/** What can be put together of parts. */
const inParts = (format: ExportFormat): boolean => format === 'csv' || format === 'ndjson';

function paramsOf(asked: Asked): URLSearchParams {
  const { format } = asked;
  const params = new URLSearchParams();
  if (asked.filter) params.set('filter', JSON.stringify(asked.filter));
  if (asked.sort.length > 0) params.set('sort', JSON.stringify(asked.sort));
  if (asked.search !== '') params.set('search', asked.search);
  if (asked.search !== '' && asked.fuzzy) params.set('fuzzy', 'true');
  if (format === 'json') return params;
  if (asked.columns) params.set('columns', asked.columns.join(','));
  params.set('links', asked.links);
  if (format !== 'ndjson') params.set('header', asked.header);
  if (format === 'csv') params.set('escape', asked.escape ? 'formula' : 'none');
  return params;
}

const both = (a: FilterNode | undefined, b: FilterNode): FilterNode => (a ? { operator: 'and', filters: [a, b] } : b);

async function file(asked: Asked): Promise<Blob> {
  const params = paramsOf(asked);
  if (params.toString().length > QUESTION_MAX) throw new Error(words.exports.tooLong);
  return exported(asked.table, asked.format, params);
}

/** The records that are ticked by their keys, in parts if they are many. */
async function some(asked: Asked, keys: string[]): Promise<Blob> {
  const parts: Blob[] = [];
  for (let at = 0; at < keys.length; at += KEYS_IN_ADDRESS_MAX) {
    const filter = { column: KEY, operator: 'in', value: keys.slice(at, at + KEYS_IN_ADDRESS_MAX) };
    parts.push(await file({ ...asked, filter, search: '', header: at === 0 ? asked.header : 'none' }));
  }
  return new Blob(parts, { type: parts[0]?.type });
}

/** Whether the ticked records can go into a file of this kind. */
export const fits = (format: ExportFormat, ticked: Ticked): boolean => inParts(format) || ticked.keys.length <= KEYS_IN_ADDRESS_MAX;

/** Hands a file to the browser. `each` tells the keys of ticked records where only those that are not are known. */
export async function download(asked: Asked, ticked: Ticked | undefined, name: string, each: () => Promise<string[]>): Promise<void> {
  saveFile(await contents(asked, ticked, each), name);
}

async function contents(asked: Asked, ticked: Ticked | undefined, each: () => Promise<string[]>): Promise<Blob> {
  if (!ticked) return file(asked);
  if (!ticked.all) return some(asked, ticked.keys);
  if (ticked.keys.length === 0) return file(asked);
  if (ticked.keys.length > KEYS_IN_ADDRESS_MAX) return some(asked, await each());
  const rest: FilterNode = { column: KEY, operator: 'notIn', value: ticked.keys };
  return file({ ...asked, filter: both(asked.filter, rest) });
}
