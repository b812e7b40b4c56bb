// What a search found, read in pages while it goes on and after it: one cached list, from which merged groups are taken at once.
import { useInfiniteQuery, useQuery, type InfiniteData } from '@tanstack/react-query';
import { duplicates as api, type Found, type Group, type Ignored } from '../api/duplicates';
import { ApiError } from '../api/http';
import { keys, queryClient } from '../api/queries';
import { isApart, reaches } from './choices';

const PAGE = 100;
/** How often a search that goes on is asked how far it is. */
const ASK_AGAIN_MS = 500;

type Pages = InfiniteData<Found, string | undefined>;

const foundKey = (table: string, find: string | null) => keys.duplicates(table, 'found', find);

export function useFound(table: string, find: string | null) {
  return useInfiniteQuery<Found, Error, Pages, readonly unknown[], string | undefined>({
    queryKey: foundKey(table, find),
    enabled: find !== null,
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) => api.found(table, find ?? '', { limit: PAGE, cursor: pageParam }, signal),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
    refetchInterval: (query) => (query.state.data?.pages[0]?.find.state === 'running' ? ASK_AGAIN_MS : false),
  });
}

/** Begins a search; its first answer is what the page shows next. */
export async function beginFind(table: string, asked: Parameters<typeof api.find>[1]): Promise<string> {
  const first = await api.find(table, asked, PAGE);
  queryClient.setQueryData<Pages>(foundKey(table, first.find.id), { pages: [first], pageParams: [undefined] });
  return first.find.id;
}

export function useIgnored(table: string) {
  return useQuery({ queryKey: keys.duplicates(table, 'ignored'), queryFn: () => api.ignored(table) });
}

/** Takes a record out of what is shown: it was merged into another one, and a group of one is none. */
export function forgetRecords(table: string, find: string, ids: string[]): void {
  const gone = new Set(ids);
  const rest = (group: Group): Group => ({
    ...group,
    records: group.records.filter((record) => !gone.has(record.id)),
    pairs: group.pairs.filter((pair) => pair.recordIds.every((id) => !gone.has(id))),
  });
  queryClient.setQueryData<Pages>(foundKey(table, find), (old) =>
    old && {
      ...old,
      pages: old.pages.map((page) => ({ ...page, groups: page.groups.map(rest).filter((group) => group.records.length > 1) })),
    },
  );
}

export function refreshFound(table: string, find: string): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: foundKey(table, find) });
}

/** The server, or this process of it, knows the search no more. */
export const isForgotten = (error: unknown): boolean => error instanceof ApiError && error.status === 404 && error.code === 'findNotFound';

/** All groups that are alike by so many percent, freshly read: those most alike come first, so the others are not asked for. */
export async function groupsFrom(table: string, find: string, percent: number, ignored: Ignored[], signal: AbortSignal): Promise<Group[]> {
  const all: Group[] = [];
  let cursor: string | undefined;
  do {
    const page = await api.found(table, find, { limit: PAGE, cursor }, signal);
    all.push(...page.groups.filter((group) => reaches(group.score, percent) && !isApart(group, ignored)));
    const last = page.groups.at(-1);
    if (last && !reaches(last.score, percent)) break;
    cursor = page.pagination.nextCursor ?? undefined;
  } while (cursor);
  return all;
}
