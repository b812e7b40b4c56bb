// Grants as people read them: "writes Orders where Shop is north, without Margin". Pure.
import { DEFAULT_WORKSPACE } from '../api/places';
import type { Column, FilterNode, Grant, Scope, Table } from '../api/wire';
import { arityOf, isGroup } from '../filter/model';
import { words } from '../text/grants';
import { text } from '../text/en';

/** What is known of tables and workspaces: their names stand in sentences. */
export interface Known {
  tables: Table[];
  workspaces: { id: string; slug: string; name: string }[];
  columns: (table: string) => Column[];
}

/** A table by its name, with the workspace where that is not the default one. */
export function placeName(table: Table, workspaces: Known['workspaces']): string {
  const around = table.workspaceId === DEFAULT_WORKSPACE ? undefined : workspaces.find((one) => one.id === table.workspaceId);
  return around ? words.tableIn(table.name, around.name) : table.name;
}

function valueOf(value: unknown, column: Column | undefined): string {
  if (Array.isArray(value)) return value.map((one) => valueOf(one, column)).join(words.comma);
  return column?.options?.find((one) => one.id === value)?.name ?? (typeof value === 'boolean' ? (value ? text.fields.yes : text.fields.no) : String(value ?? ''));
}

export function filterInWords(node: FilterNode, columns: Column[]): string {
  if (isGroup(node)) {
    const join = node.operator === 'or' ? ` ${text.filter.or} ` : ` ${text.filter.and} `;
    return node.filters.map((one) => (isGroup(one) && one.filters.length > 1 ? `(${filterInWords(one, columns)})` : filterInWords(one, columns))).join(join);
  }
  const column = columns.find((one) => one.slug === node.column);
  const said = `${column?.name ?? node.column} ${text.operators[node.operator] ?? node.operator}`;
  return arityOf(node.operator) === 'none' ? said : `${said} ${valueOf(node.value, column)}`;
}

/** One sentence for each place, the columns with their table. */
export function grantsInWords(grants: Grant[], known: Known): string[] {
  const said: string[] = [];
  const alone = grants.filter((one, i) => one.column && grants.findIndex((other) => other.table === one.table) === i && !grants.some((other) => !other.column && other.table === one.table));
  for (const grant of [...grants.filter((one) => !one.column), ...alone]) {
    const table = known.tables.find((one) => one.id === grant.table || one.slug === grant.table);
    const workspace = known.workspaces.find((one) => one.id === grant.workspace || one.slug === grant.workspace);
    const columns = table ? known.columns(table.id) : [];
    const place = grant.table ? (table ? placeName(table, known.workspaces) : words.gone) : words.workspace(workspace?.name ?? grant.workspace ?? '');
    let line = grant.column ? words.same(place) : words.does[grant.scope](place);
    if (!grant.column && grant.filter && grant.scope !== 'none') line += words.where(filterInWords(grant.filter as FilterNode, columns));
    const of = (scope: Scope) =>
      grants.filter((one) => one.column && grant.table && one.table === grant.table && one.scope === scope).map((one) => columns.find((column) => column.slug === one.column)?.name ?? one.column ?? '');
    const hidden = of('none');
    const read = grant.scope === 'read' && !grant.column ? [] : of('read');
    if (hidden.length > 0) line += words.without(hidden.join(words.comma));
    if (read.length > 0) line += words.readOnly(read.join(words.comma));
    said.push(line);
  }
  return said;
}

/** For lists: the first sentence, and how many more. */
export function inShort(grants: Grant[], known: Known): string {
  const [first, ...more] = grantsInWords(grants, known);
  return first === undefined ? '' : more.length > 0 ? words.andMore(first, more.length) : first;
}
