// The tables, workspaces and columns that grants speak of.
import { useQueries } from '@tanstack/react-query';
import { tables as api } from '../api/endpoints';
import { addressOf } from '../api/places';
import { keys, useTablesOf, useWorkspaces } from '../api/queries';
import type { Grant } from '../api/wire';
import type { Known } from './sentence';

export function useKnown(grants: Grant[]): Known {
  const workspaces = useWorkspaces().data ?? [];
  const tables = useTablesOf(workspaces).flatMap((one) => one.data ?? []);
  // Only of tables whose columns or records are spoken of.
  const ids = [...new Set(grants.filter((one) => one.table && (one.column || one.filter)).map((one) => one.table ?? ''))];
  const asked = ids.flatMap((id) => tables.find((one) => one.id === id) ?? []).map(addressOf);
  const read = useQueries({ queries: asked.map((address) => ({ queryKey: keys.table(address), queryFn: () => api.get(address), staleTime: 60_000 })) });
  const columns = (id: string) => read.find((one) => one.data?.id === id)?.data?.columns ?? [];
  return { tables, workspaces, columns };
}
