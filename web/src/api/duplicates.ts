// The endpoints of duplicates: searches, merges, and what was said to be none. Keeps nothing.
import { client, got } from './endpoints';
import { call } from './http';
import type { Rec } from './wire';
import type { components } from '../../../clients/typescript/src/schema';

type Schemas = components['schemas'];

export type Compare = Schemas['Compare'];
export type ComparedColumn = Omit<Schemas['ComparedColumn'], 'compare' | 'similarity'> & { compare: Compare; similarity?: number };
export type Find = Schemas['Find'];
export type Pair = Schemas['DuplicatePair'];
export type Group = Omit<Schemas['DuplicateGroup'], 'records'> & { records: Rec[] };
export type Found = Omit<Schemas['FoundDuplicates'], 'groups'> & { groups: Group[] };
export type Merge = Schemas['Merge'];
export type MergeChoice = Schemas['MergeChoice'];
export type MergeReport = Omit<Schemas['MergeReport'], 'record'> & { record: Rec };
export type Ignored = Schemas['IgnoredDuplicates'];

/** How duplicates are looked for, as it stands in the page's address too. */
export interface Asked {
  columns: ComparedColumn[];
  caseSensitive?: boolean;
  blocking?: string[];
}

/** How long the first answer is waited for: a small table is done by then, of a large one the progress is shown. */
const FIRST_WAIT_MS = 400;

const pathOf = (table: string) => `/api/tables/${encodeURIComponent(table)}/duplicates`;

/** Ids are text here, as they are in pairs, also where the key of a table is a number. */
function withTextIds(found: Found): Found {
  const records = (group: Group) => group.records.map((record) => ({ ...record, id: String(record.id) }));
  return { ...found, groups: found.groups.map((group) => ({ ...group, records: records(group) })) };
}

/** Records go through `call`, which keeps every digit of large numbers. */
export const duplicates = {
  find: async (table: string, asked: Asked, limit: number) =>
    withTextIds(await call<Found>(`${pathOf(table)}/find`, { method: 'POST', json: { ...asked, wait: FIRST_WAIT_MS, limit } })),
  found: async (table: string, find: string, page: { limit: number; cursor?: string }, signal?: AbortSignal) => {
    const query = new URLSearchParams({ limit: String(page.limit), ...(page.cursor ? { cursor: page.cursor } : {}) });
    return withTextIds(await call<Found>(`${pathOf(table)}/finds/${encodeURIComponent(find)}?${query.toString()}`, { signal }));
  },
  cancel: (table: string, find: string) =>
    got(client.DELETE('/api/tables/{table}/duplicates/finds/{find}', { params: { path: { table, find } } })),
  merge: (table: string, merge: Merge, dryRun: boolean, signal?: AbortSignal) =>
    call<MergeReport>(`${pathOf(table)}/merge${dryRun ? '?dryRun=true' : ''}`, { method: 'POST', json: merge, signal }),
  ignore: (table: string, recordIds: string[]) =>
    got(client.POST('/api/tables/{table}/duplicates/ignore', { params: { path: { table } }, body: { recordIds } })),
  /** All of it: a table keeps some thousands at most. */
  ignored: async (table: string) => {
    const all: Ignored[] = [];
    let cursor: string | undefined;
    do {
      const page = await got(
        client.GET('/api/tables/{table}/duplicates/ignored', { params: { path: { table }, query: { limit: 1000, cursor } } }),
      );
      all.push(...page.ignored);
      cursor = page.pagination.nextCursor ?? undefined;
    } while (cursor);
    return all;
  },
  takeBack: (table: string, ignored: string) =>
    got(client.DELETE('/api/tables/{table}/duplicates/ignored/{ignored}', { params: { path: { table, ignored } } })),
};
