// What tables and columns become: another type, options made one, a table out of its JSON, workspaces. Kept apart from what loads first.
import { client, got } from './endpoints';
import { call, send } from './http';
import type { ColumnTypeChange, ColumnTypeChoices, ColumnTypePlan, DistinctValues, OptionMerged, TableImport } from './wire';

const at = (table: string, column: string) => ({ params: { path: { table, column } } });

/** Plans hold values, so they go through `call`, which keeps every digit. */
export const typeChanges = {
  choices: (table: string, column: string): Promise<ColumnTypeChoices> =>
    got(client.GET('/api/tables/{table}/columns/{column}/change-type', at(table, column))),
  /** Told only, when `dryRun`; otherwise begun. */
  change: (table: string, column: string, body: ColumnTypeChange) =>
    call<ColumnTypePlan>(`/api/tables/${encodeURIComponent(table)}/columns/${encodeURIComponent(column)}/change-type`, { method: 'POST', json: body }),
};

export const mergeOption = (table: string, column: string, option: string, into: string, dryRun: boolean): Promise<OptionMerged> =>
  got(
    client.POST('/api/tables/{table}/columns/{column}/options/{option}/merge', {
      params: { path: { table, column, option } },
      body: { into, dryRun },
    }),
  );

export const distinct = (table: string, column: string, limit: number, search: string) =>
  call<DistinctValues>(
    `/api/tables/${encodeURIComponent(table)}/columns/${encodeURIComponent(column)}/distinct?limit=${limit}${search ? `&search=${encodeURIComponent(search)}` : ''}`,
  );

export type ExportFormat = 'csv' | 'xlsx' | 'ndjson' | 'json';

/** A file of records. One that breaks off on its way is refused, never half a file. */
export const exported = async (table: string, format: ExportFormat, params: URLSearchParams): Promise<Blob> => {
  const path = `/api/tables/${encodeURIComponent(table)}/export/${format}`;
  return (await send(params.size > 0 ? `${path}?${params.toString()}` : path, { headers: { accept: '*/*' } })).blob();
};

/** Makes a table again of the export of a whole one, which is sent as it is. */
export const tableFromJson = (json: string, name: string | null, workspace: string | null) => {
  const query = new URLSearchParams();
  if (name !== null) query.set('name', name);
  if (workspace !== null) query.set('workspace', workspace);
  const asked = query.size > 0 ? `?${query.toString()}` : '';
  return call<TableImport>(`/api/tables/import/json${asked}`, { method: 'POST', body: json, headers: { 'content-type': 'application/json' } });
};

const one = (workspace: string) => ({ params: { path: { workspace } } });

/** Of one workspace. */
export const shelves = {
  create: (body: { name: string; description?: string | null }) => got(client.POST('/api/workspaces', { body })),
  update: (workspace: string, body: { name?: string; description?: string | null }) =>
    got(client.PATCH('/api/workspaces/{workspace}', { ...one(workspace), body })),
  remove: (workspace: string) => got(client.DELETE('/api/workspaces/{workspace}', one(workspace))),
};
