// Every endpoint the pages use, one function each, checked against the OpenAPI document. Holds no state. Those of the vault are in vault.ts.
import createClient from 'openapi-fetch';
import { call, send, upload } from './http';
import { DEFAULT_WORKSPACE, inWorkspace } from './places';
import type { paths } from '../../../clients/typescript/src/schema';
import type {
  AggregateAnswer, AggregateAsked, ApiKeyCreate, BulkReply, ColumnCreate, ColumnUpdate, Data, FieldType, FileFacts,
  ImportChange, ImportOptions, ImportStatus, Query, QueryReply, Rec, HistoryPage, OperationPage, RevertReport, Session, Table, TableCreate, TableUpdate,
  SavedView, UserCreate, UserUpdate, ViewSettings,
} from './wire';

export const client = createClient<paths>({
  fetch: async (request) =>
    send(request.url, {
      method: request.method,
      body: request.body === null ? undefined : await request.text(),
      headers: request.body === null ? {} : { 'content-type': 'application/json' },
    }),
});

/** Refusals are thrown before this; what is left is the answer. */
export async function got<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

const enc = encodeURIComponent;
const asQuery = (workspace: string) => (workspace === DEFAULT_WORKSPACE ? '' : `?workspace=${enc(workspace)}`);
const tablePath = (table: string) => `/api/tables/${enc(table)}`;
const recordPath = (table: string, id: string) => `${tablePath(table)}/records/${enc(id)}`;
export const ifMatch = (version?: number): Record<string, string> =>
  version === undefined ? {} : { 'if-match': `"${version}"` };

export const auth = {
  state: () => got(client.GET('/api/auth/state')),
  session: () => got(client.GET('/api/auth/session')) as Promise<Session>,
  login: (email: string, password: string) =>
    got(client.POST('/api/auth/login', { body: { email, password } })),
  setup: (body: { token: string; email: string; name: string; password: string }) =>
    got(client.POST('/api/auth/setup', { body })),
  password: (body: { current: string; password: string }) => got(client.POST('/api/auth/password', { body })),
  logout: () => got(client.POST('/api/auth/logout')),
};

/** Columns and options in the order people gave them. */
function inOrder(table: Table): Table {
  const columns = [...(table.columns ?? [])].sort((a, b) => a.orderIndex - b.orderIndex);
  return {
    ...table,
    columns: columns.map((column) =>
      column.options ? { ...column, options: [...column.options].sort((a, b) => a.orderIndex - b.orderIndex) } : column,
    ),
  };
}

export const tables = {
  list: async (workspace: string) =>
    (await got(client.GET('/api/tables', { params: { query: { ...inWorkspace(workspace), limit: 1000 } } }))).tables,
  get: async (table: string) =>
    inOrder(
      await got(client.GET('/api/tables/{table}', { params: { path: { table }, query: { include: 'columns' } } })),
    ),
  create: (body: TableCreate) => got(client.POST('/api/tables', { body })),
  update: (table: string, body: TableUpdate) =>
    got(client.PATCH('/api/tables/{table}', { params: { path: { table } }, body })),
  remove: (table: string) => got(client.DELETE('/api/tables/{table}', { params: { path: { table } } })),
  deleted: async (workspace: string) =>
    (await got(client.GET('/api/tables', { params: { query: { ...inWorkspace(workspace), deleted: true, limit: 1000 } } }))).tables,
  restore: (id: string) => got(client.POST('/api/tables/{table}/restore', { params: { path: { table: id } } })),
  purge: (id: string) => got(client.DELETE('/api/tables/{table}', { params: { path: { table: id }, query: { permanent: true } } })),
  stats: (table: string) => got(client.GET('/api/tables/{table}/stats', { params: { path: { table } } })),
};

export const columns = {
  create: (table: string, body: ColumnCreate) =>
    got(client.POST('/api/tables/{table}/columns', { params: { path: { table } }, body })),
  update: (table: string, column: string, body: ColumnUpdate) =>
    got(client.PATCH('/api/tables/{table}/columns/{column}', { params: { path: { table, column } }, body })),
  remove: (table: string, column: string) =>
    got(client.DELETE('/api/tables/{table}/columns/{column}', { params: { path: { table, column } } })),
  deleted: async (table: string) =>
    (await got(client.GET('/api/tables/{table}/columns', { params: { path: { table }, query: { deleted: true } } }))).columns,
  restore: (table: string, column: string) =>
    got(client.POST('/api/tables/{table}/columns/{column}/restore', { params: { path: { table, column } } })),
  reorder: (table: string, ids: string[]) =>
    got(client.POST('/api/tables/{table}/columns/reorder', { params: { path: { table } }, body: { columns: ids } })),
};

export const options = {
  create: (table: string, column: string, body: { name: string; color?: string | null }) =>
    got(client.POST('/api/tables/{table}/columns/{column}/options', { params: { path: { table, column } }, body })),
  update: (table: string, column: string, option: string, body: { name?: string; color?: string | null }) =>
    got(
      client.PATCH('/api/tables/{table}/columns/{column}/options/{option}', {
        params: { path: { table, column, option } },
        body,
      }),
    ),
  remove: (table: string, column: string, option: string) =>
    got(
      client.DELETE('/api/tables/{table}/columns/{column}/options/{option}', {
        params: { path: { table, column, option } },
      }),
    ),
  reorder: (table: string, column: string, ids: string[]) =>
    got(
      client.POST('/api/tables/{table}/columns/{column}/options/reorder', {
        params: { path: { table, column } },
        body: { options: ids },
      }),
    ),
};

export const fieldTypes = {
  list: async () => (await got(client.GET('/api/field-types'))).fieldTypes as FieldType[],
};

/** Records go through `call`, which keeps every digit of large numbers. */
export const records = {
  query: (table: string, query: Query, signal?: AbortSignal) =>
    call<QueryReply>(`${tablePath(table)}/query`, { method: 'POST', json: query, signal }),
  get: (table: string, id: string) => call<Rec>(recordPath(table, id)),
  reveal: (table: string, id: string, columns: string[]) =>
    got(client.POST('/api/tables/{table}/records/{record}/reveal', { params: { path: { table, record: id } }, body: { columns } })),
  create: (table: string, data: Data) =>
    call<Rec>(`${tablePath(table)}/records`, { method: 'POST', json: { data } }),
  update: (table: string, id: string, data: Data, version?: number) =>
    call<Rec>(recordPath(table, id), { method: 'PATCH', json: { data }, headers: ifMatch(version) }),
  remove: (table: string, id: string, version?: number) =>
    call<void>(recordPath(table, id), { method: 'DELETE', headers: ifMatch(version) }),
  purge: (table: string, id: string) =>
    call<void>(`${recordPath(table, id)}?permanent=true`, { method: 'DELETE' }),
  restore: (table: string, id: string) =>
    call<Rec>(`${recordPath(table, id)}/restore`, { method: 'POST' }),
  trash: (table: string, cursor?: string) =>
    call<QueryReply>(`${tablePath(table)}/trash?limit=100${cursor ? `&cursor=${enc(cursor)}` : ''}`),
  aggregate: (table: string, asked: AggregateAsked, signal?: AbortSignal) =>
    call<AggregateAnswer>(`${tablePath(table)}/aggregate`, { method: 'POST', json: asked, signal }),
  bulkCreate: (table: string, rows: Data[], continueOnError = false) =>
    call<BulkReply>(`${tablePath(table)}/records/bulk`, {
      method: 'POST',
      json: { records: rows, continueOnError },
    }),
  bulkUpdate: (
    table: string,
    updates: { recordId: string; data: Data; version?: number }[],
    continueOnError = false,
  ) =>
    call<BulkReply>(`${tablePath(table)}/records/bulk`, {
      method: 'PATCH',
      json: { updates, continueOnError },
    }),
  bulkDelete: (table: string, recordIds: string[]) =>
    call<BulkReply>(`${tablePath(table)}/records/bulk-delete`, { method: 'POST', json: { recordIds } }),
};

/** Histories and operations hold values too, so they go through `call` as records do. */
export const history = {
  steps: (table: string, id: string, cursor?: string) =>
    call<HistoryPage>(`${recordPath(table, id)}/history?limit=50${cursor ? `&cursor=${enc(cursor)}` : ''}`),
  restoreVersion: (table: string, id: string, version: number, current: number) =>
    call<Rec>(`${recordPath(table, id)}/restore-version`, { method: 'POST', json: { version }, headers: ifMatch(current) }),
  operations: (workspace: string, table?: string, cursor?: string) => {
    const query = new URLSearchParams({ ...inWorkspace(workspace), limit: '50' });
    if (table) query.set('table', table);
    if (cursor) query.set('cursor', cursor);
    return call<OperationPage>(`/api/operations?${query.toString()}`);
  },
  revert: (workspace: string, operation: string, dryRun: boolean) =>
    call<RevertReport>(`/api/operations/${enc(operation)}/revert${asQuery(workspace)}`, { method: 'POST', json: { dryRun } }),
};

/** The server reads a form as a stream, so what it must know about the file comes before the file. */
function importForm(file: File, parts: Record<string, unknown>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  form.set('file', file, file.name);
  return form;
}

type Progress = (done: number) => void;

/** Imports of a workspace, step by step. What is looked at, tried and written goes on in the server, whoever watches. */
export const importsIn = (workspace: string) => {
  const query = inWorkspace(workspace);
  const one = (id: string) => ({ params: { path: { import: id }, query } });
  return {
    upload: (file: File, into: { table: string } | { name: string }, opts: ImportOptions, onProgress: Progress, signal: AbortSignal) =>
      'table' in into
        ? upload<ImportStatus>(`${tablePath(into.table)}/imports`, importForm(file, { options: opts }), onProgress, signal)
        : upload<ImportStatus>(`/api/imports${asQuery(workspace)}`, importForm(file, { name: into.name, options: opts }), onProgress, signal),
    list: (cursor?: string) => got(client.GET('/api/imports', { params: { query: { ...query, limit: 20, cursor } } })),
    one: (id: string) => got(client.GET('/api/imports/{import}', one(id))),
    change: (id: string, body: ImportChange) => got(client.PATCH('/api/imports/{import}', { ...one(id), body })),
    check: (id: string) => got(client.POST('/api/imports/{import}/dry-run', one(id))),
    commit: (id: string) => got(client.POST('/api/imports/{import}/commit', one(id))),
    pause: (id: string) => got(client.POST('/api/imports/{import}/pause', one(id))),
    resume: (id: string) => got(client.POST('/api/imports/{import}/resume', one(id))),
    cancel: (id: string) => got(client.POST('/api/imports/{import}/cancel', one(id))),
    revert: (id: string, dryRun: boolean) =>
      call<RevertReport>(`/api/imports/${enc(id)}/revert${asQuery(workspace)}`, { method: 'POST', json: { dryRun } }),
    errorsCsv: async (id: string) => (await send(`/api/imports/${enc(id)}/errors${asQuery(workspace)}`, { headers: { accept: 'text/csv' } })).blob(),
  };
};

const fileForm = (file: File): FormData => {
  const form = new FormData();
  form.set('file', file, file.name);
  return form;
};

export const files = {
  send: (workspace: string, file: File, onProgress: Progress, signal: AbortSignal) =>
    upload<FileFacts>(`/api/files${asQuery(workspace)}`, fileForm(file), onProgress, signal),
  /** Straight into a record: for those who may bring nothing else. */
  attach: (table: string, id: string, column: string, file: File, onProgress: Progress, signal: AbortSignal) =>
    upload<Rec>(`${recordPath(table, id)}/files?column=${enc(column)}`, fileForm(file), onProgress, signal),
  /** Whether a file would be taken at all, by its name and size. */
  announce: (workspace: string, file: File) =>
    got(client.POST('/api/files/upload-url', { params: { query: inWorkspace(workspace) }, body: { name: file.name, size: file.size } })),
  remove: (id: string) => got(client.DELETE('/api/files/{file}', { params: { path: { file: id } } })),
  one: (id: string) => got(client.GET('/api/files/{file}', { params: { path: { file: id } } })),
};

export const views = {
  list: async (table: string) =>
    (await got(client.GET('/api/tables/{table}/views', { params: { path: { table }, query: { limit: 1000 } } }))).views as SavedView[],
  create: (table: string, body: { name: string; personal: boolean; settings: ViewSettings }) =>
    call<SavedView>(`${tablePath(table)}/views`, { method: 'POST', json: body }),
  update: (table: string, view: string, body: { name?: string; settings?: ViewSettings }) =>
    call<SavedView>(`${tablePath(table)}/views/${encodeURIComponent(view)}`, { method: 'PATCH', json: body }),
  remove: (table: string, view: string) =>
    got(client.DELETE('/api/tables/{table}/views/{view}', { params: { path: { table, view } } })),
};

export const workspaces = {
  list: async () => (await got(client.GET('/api/workspaces', { params: { query: { limit: 1000 } } }))).workspaces,
};

export const people = {
  list: async () => (await got(client.GET('/api/people', { params: { query: { limit: 1000 } } }))).people,
};

export const users = {
  create: (body: UserCreate) => got(client.POST('/api/users', { body })),
  update: (user: string, body: UserUpdate) => got(client.PATCH('/api/users/{user}', { params: { path: { user } }, body })),
  list: async () => (await got(client.GET('/api/users', { params: { query: { limit: 1000 } } }))).users,
};

export const apiKeys = {
  list: async () => (await got(client.GET('/api/api-keys', { params: { query: { limit: 1000 } } }))).apiKeys,
  create: (body: ApiKeyCreate) => got(client.POST('/api/api-keys', { body })),
  revoke: (apiKey: string) => got(client.DELETE('/api/api-keys/{apiKey}', { params: { path: { apiKey } } })),
};
