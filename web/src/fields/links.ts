// Whom relation and user columns may name: found by typing, and called by name. Keeps names for this page's life only.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { people, records } from '../api/endpoints';
import { keys, useAddress, useTable } from '../api/queries';
import type { Column, FieldColumn, Rec, Table } from '../api/wire';
import { displayText, kindOfColumn } from './registry';

export interface Choice {
  id: string;
  name: string;
  color?: string | null;
}

const SHOWN_MAX = 30;
const CONTAINS = new Set(['text', 'longText', 'email', 'url', 'phone', 'barcode']);

export function linksUsers(column: FieldColumn): boolean {
  return column.fieldType === 'user' || column.fieldType === 'users';
}

/** The table whose records a column names; none for other columns. */
export function linkTable(column: FieldColumn): string | undefined {
  const table = column.fieldType === 'relation' ? column.config?.table : undefined;
  return typeof table === 'string' ? table : undefined;
}

/** The column that names a record to people. */
export function primaryOf(columns: Column[] | undefined): Column | undefined {
  const all = columns ?? [];
  return (
    all.find((one) => one.isPrimary) ??
    all.find((one) => one.fieldType === 'text' && !one.encrypted) ??
    all.find((one) => !one.encrypted)
  );
}

/** What people call a record: by the table's template, or by its primary column. */
export function nameOf(table: Pick<Table, 'settings' | 'columns'>, record: Rec): string {
  const read = (column: Column | undefined) =>
    column ? displayText(record.data[column.slug], column, record.data._display?.[column.slug]) : '';
  const template = table.settings?.recordNameTemplate;
  if (typeof template === 'string') {
    const filled = template.replace(/\{([^}]*)\}/g, (_, slug: string) =>
      slug === 'id' ? record.id : read(table.columns?.find((one) => one.slug === slug)),
    );
    const name = filled.trim().replace(/\s+/g, ' ');
    if (name) return name;
  }
  return read(primaryOf(table.columns ?? undefined)) || record.id;
}

/** Everybody who signs in, or did. */
export function usePeople(enabled = true) {
  return useQuery({ queryKey: keys.people, queryFn: people.list, staleTime: 60_000, enabled });
}

/** Who fits what was typed, and what those are called that are named already. */
export function useChoices(column: FieldColumn, needle: string, ids: string[]) {
  const users = linksUsers(column);
  // A column names a table of its own workspace.
  const there = useAddress(linkTable(column));
  const table = useTable(there, there !== '');
  const everybody = usePeople(users);
  const wanted = needle.trim();
  const found = useQuery({
    queryKey: keys.links(there, wanted),
    enabled: !users && table.data !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const target = table.data as Table;
      const primary = primaryOf(target.columns ?? undefined);
      const stored = primary && kindOfColumn(primary).editor !== 'none' ? primary : undefined;
      const contains = stored && CONTAINS.has(stored.fieldType);
      const reply = await records.query(
        there,
        {
          ...(wanted && contains ? { filter: { column: stored.slug, operator: 'contains', value: wanted } } : {}),
          ...(wanted && !contains ? { search: { query: wanted } } : {}),
          ...(stored ? { sort: [{ column: stored.slug, direction: 'asc' as const }] } : {}),
          pagination: { type: 'offset', offset: 0, limit: SHOWN_MAX },
        },
        signal,
      );
      return reply.records.map((record) => ({ id: record.id, name: nameOf(target, record) }));
    },
  });
  const named = useQuery({
    queryKey: keys.links(there, ids),
    enabled: !users && table.data !== undefined && ids.length > 0,
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const target = table.data as Table;
      const filter = { column: 'id', operator: 'in', value: ids };
      const reply = await records.query(there, { filter, pagination: { type: 'offset', offset: 0, limit: 1000 } }, signal);
      return reply.records.map((record) => ({ id: record.id, name: nameOf(target, record) }));
    },
  });
  const lower = wanted.toLowerCase();
  const all: Choice[] = users
    ? (everybody.data ?? []).filter((one) => one.active && one.name.toLowerCase().includes(lower))
    : (found.data ?? []);
  const known = new Map<string, string>();
  for (const one of [...(everybody.data ?? []), ...(named.data ?? []), ...(found.data ?? [])]) known.set(one.id, one.name);
  return {
    choices: all.slice(0, SHOWN_MAX),
    nameOf: (id: string) => known.get(id) ?? id,
    pending: users ? everybody.isPending : table.isPending || found.isPending,
    error: table.error ?? found.error ?? everybody.error,
  };
}
