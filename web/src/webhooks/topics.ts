// Which events a webhook hears of, as topics and as choices of tables and kinds. Pure.

export const KINDS = ['inserted', 'updated', 'deleted', 'restored', 'purged', 'cleared'] as const;

export interface Choice {
  /** Slugs; all tables when empty. */
  tables: string[];
  /** All kinds when empty. */
  kinds: string[];
}

/** The topics that say it: none for everything. */
export function topicsOf({ tables, kinds }: Choice): string[] {
  if (tables.length === 0 && kinds.length === 0) return [];
  const of = tables.length > 0 ? tables : ['*'];
  if (kinds.length === 0 || kinds.length === KINDS.length) return of.map((table) => `table.${table}.*`);
  return of.flatMap((table) => kinds.map((kind) => `table.${table}.${kind}`));
}

/** The choice that some topics are, if they are one. */
export function choiceOf(topics: string[]): Choice | null {
  if (topics.length === 0) return { tables: [], kinds: [] };
  const pairs = topics.map((topic) => /^table\.([^.]+)\.([^.]+)$/.exec(topic));
  if (pairs.some((pair) => pair === null)) return null;
  const tables = [...new Set(pairs.map((pair) => pair![1]!))];
  const kinds = [...new Set(pairs.map((pair) => pair![2]!))];
  const choice = { tables: tables.includes('*') ? [] : tables, kinds: kinds.includes('*') ? [] : kinds };
  const same = topicsOf(choice).toSorted().join() === topics.toSorted().join();
  return same ? choice : null;
}
