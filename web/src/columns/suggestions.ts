// What can be chosen for the settings of relations, lookups and rollups: tables, and columns here and there. Decides nothing.
import { useAddress, useTable, useTables } from '../api/queries';
import type { Column, Table } from '../api/wire';

export type Suggest = (setting: string) => { value: string; label: string }[] | undefined;

const LEADING = new Set(['relation', 'lookup', 'rollup']);

/** The choices for a setting of a column of this type; none where anything can be written. */
export function useSuggestions(table: Table, fieldType: string, config: Record<string, unknown>): Suggest {
  const leads = LEADING.has(fieldType);
  const tables = useTables().data ?? [];
  const own = table.columns ?? [];
  const through = own.find((one) => one.slug === config.relation);
  const slug = fieldType === 'relation' ? config.table : through?.config?.table;
  const address = useAddress(typeof slug === 'string' ? slug : undefined);
  const target = useTable(address, leads && address !== '');
  const there = target.data?.columns ?? [];
  const named = (columns: Column[]) => columns.map((one) => ({ value: one.slug, label: one.name }));
  return (setting) => {
    if (!leads) return undefined;
    switch (setting) {
      case 'table':
        return tables.map((one) => ({ value: one.slug, label: one.name }));
      case 'relation':
        return named(own.filter((one) => one.fieldType === 'relation'));
      case 'column':
        return named(there.filter((one) => !one.encrypted));
      case 'reverseOf':
        return named(there.filter((one) => one.fieldType === 'relation' && !one.config?.reverseOf && one.config?.table === table.slug));
      default:
        return undefined;
    }
  };
}
