// Which record stays, which value is taken from where, and what differs. Asks the server for nothing.
import type { Group, Ignored, Merge } from '../api/duplicates';
import type { Column, Rec } from '../api/wire';
import { editable, kindOfColumn, sameValue } from '../fields/registry';
import { wholePercent } from '../text/duplicates';

/** What stays of a group: the rule that chooses the survivor. */
export type Rule = 'fullest' | 'oldest' | 'newest';
export const RULES: readonly Rule[] = ['fullest', 'oldest', 'newest'];

/** Where the value of a column comes from, if a person said so: a record's id, or all of them. */
export type Pick = { from: string } | 'concat' | 'union';
export type Picks = Readonly<Record<string, Pick | undefined>>;

export const isBlank = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

/** How many columns a record has a value in. */
export const filled = (record: Rec, columns: Column[]): number => columns.filter((column) => !isBlank(record.data[column.slug])).length;

/** Those that are to be merged, best first: the first stays, and the others give their values in this order. */
export function inOrder(records: Rec[], rule: Rule, columns: Column[]): Rec[] {
  const age = (a: Rec, b: Rec) => a.createdAt.localeCompare(b.createdAt);
  const by: Record<Rule, (a: Rec, b: Rec) => number> = {
    oldest: age,
    newest: (a, b) => age(b, a),
    fullest: (a, b) => filled(b, columns) - filled(a, columns) || age(a, b),
  };
  return [...records].sort(by[rule]);
}

/** The merge of a group by a rule. */
export function mergeByRule(group: Group, rule: Rule, fill: boolean, columns: Column[]): Merge {
  const [survivor, ...others] = inOrder(group.records, rule, columns);
  const kept = columns.filter((column) => editable(column)).map((column) => [column.slug, 'keep'] as const);
  return {
    survivorId: survivor?.id ?? '',
    recordIds: others.map((record) => record.id),
    choices: fill ? {} : Object.fromEntries(kept),
  };
}

/** The record whose value a column gets unless a person says otherwise: the survivor's, or the first that has one. */
export function givenBy(column: Column, ordered: Rec[]): Rec | undefined {
  return ordered.find((record) => !isBlank(record.data[column.slug])) ?? ordered[0];
}

/** How all values of a column become one, where they can. */
export function joinOf(column: Column): 'concat' | 'union' | null {
  if (column.encrypted || !editable(column)) return null;
  if (column.fieldType === 'text' || column.fieldType === 'longText') return 'concat';
  const { editor } = kindOfColumn(column);
  return editor === 'multi' || editor === 'links' ? 'union' : null;
}

/** Whether records differ in a column, or may: of encrypted values nobody sees it. */
export function differs(column: Column, records: Rec[]): boolean {
  if (column.encrypted) return records.length > 1 && records.some((record) => !isBlank(record.data[column.slug]));
  const [first, ...rest] = records;
  const value = (record: Rec | undefined) => {
    const one = record?.data[column.slug];
    return isBlank(one) ? null : one;
  };
  return rest.some((record) => !sameValue(value(record), value(first)));
}

/** What is asked of the server: only what a person chose, the rest is its rule. */
export function mergeOf(ordered: Rec[], picks: Picks): Merge {
  const ids = new Set(ordered.map((record) => record.id));
  const chosen = Object.entries(picks).filter(
    (entry): entry is [string, Pick] => entry[1] !== undefined && (typeof entry[1] === 'string' || ids.has(entry[1].from)),
  );
  const [survivor, ...others] = ordered;
  return { survivorId: survivor?.id ?? '', recordIds: others.map((record) => record.id), choices: Object.fromEntries(chosen) };
}

/** Of larger groups the server shows so many records. */
export const SHOWN_MAX = 100;

/** How many records a group has, those among them that are not shown. */
export const sizeOf = (group: Group): number => (group.records.length < SHOWN_MAX ? group.records.length : Math.max(group.size, group.records.length));

/** How alike a group's values of a column are: those of its least alike pair; null where one of each pair is blank. */
export function agreement(group: Group, slug: string): number | null {
  const known = group.pairs.map((pair) => pair.columns[slug]).filter((share) => typeof share === 'number');
  return known.length > 0 ? Math.min(...known) : null;
}

/** Whether somebody said that no two of these are one thing. */
export function isApart(group: Group, ignored: Ignored[]): boolean {
  return ignored.some((said) => group.records.every((record) => said.recordIds.includes(record.id)));
}

/** Whether a group is alike by so many percent, as the page writes it. */
export const reaches = (score: number, percent: number): boolean => wholePercent(score) >= percent;

/** Where a text differs from another one: what both begin and end with, and what stands between. */
export function difference(text: string, other: string): [string, string, string] {
  const [mine, theirs] = [Array.from(text), Array.from(other)];
  const most = Math.min(mine.length, theirs.length);
  let start = 0;
  while (start < most && mine[start] === theirs[start]) start++;
  let end = 0;
  while (end < most - start && mine[mine.length - 1 - end] === theirs[theirs.length - 1 - end]) end++;
  return [mine.slice(0, start).join(''), mine.slice(start, mine.length - end).join(''), mine.slice(mine.length - end).join('')];
}
