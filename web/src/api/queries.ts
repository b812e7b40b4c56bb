// What the pages read more than once, cached by TanStack Query under one set of keys.
import { QueryClient, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { use, useMemo } from 'react';
import { text } from '../text/en';
import { apiKeys, auth, fieldTypes, importsIn, tables as api, users, workspaces } from './endpoints';
import { ApiError, setCsrfToken } from './http';
import { addressOf, DEFAULT_WORKSPACE, HereContext, useWorkspace } from './places';
import type { Column, FieldType, Session, Table, Workspace } from './wire';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: true,
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && (error.status === 503 || error.status === 429),
    },
  },
});

export const keys = {
  session: ['session'] as const,
  /** Of all workspaces. */
  tables: ['tables'] as const,
  tablesOf: (workspace: string) => ['tables', workspace] as const,
  /** Read again with the tables. */
  deletedTables: (workspace: string) => ['tables', 'deleted', workspace] as const,
  table: (table: string) => ['table', table] as const,
  /** Read again with the table. */
  deletedColumns: (table: string) => ['table', table, 'deleted'] as const,
  stats: (table: string) => ['stats', table] as const,
  trash: (table: string) => ['trash', table] as const,
  histories: (table: string) => ['history', table] as const,
  history: (table: string, record: string) => ['history', table, record] as const,
  operations: ['operations'] as const,
  imports: ['imports'] as const,
  import: (id: string) => ['imports', id] as const,
  forms: (table: string) => ['forms', table] as const,
  views: (table: string) => ['views', table] as const,
  duplicates: (table: string, ...what: unknown[]) => ['duplicates', table, ...what] as const,
  users: ['users'] as const,
  people: ['people'] as const,
  workspaces: ['workspaces'] as const,
  links: (table: string, what: string | string[]) => ['links', table, what] as const,
  fieldTypes: ['fieldTypes'] as const,
  apiKeys: ['apiKeys'] as const,
  vault: ['vault'] as const,
  jobs: ['jobs'] as const,
  webhooks: ['webhooks'] as const,
  server: ['server'] as const,
};

/** The session, or null when nobody is signed in. */
export function useSession() {
  return useQuery<Session | null>({
    queryKey: keys.session,
    staleTime: 60_000,
    queryFn: async () => {
      try {
        const session = await auth.session();
        setCsrfToken(session.csrfToken);
        return session;
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return null;
        throw error;
      }
    },
  });
}

/** The workspaces that this person sees something of. */
export function useWorkspaces() {
  return useQuery<Workspace[]>({ queryKey: keys.workspaces, queryFn: workspaces.list });
}

const tablesIn = (workspace: string) => ({ queryKey: keys.tablesOf(workspace), queryFn: (): Promise<Table[]> => api.list(workspace) });

/** The tables of the workspace that the page shows. */
export function useTables() {
  const { workspace, known } = use(HereContext);
  return useQuery({ ...tablesIn(workspace), enabled: known });
}

/** The tables of some workspaces, in their order. */
export function useTablesOf(places: Workspace[]) {
  return useQueries({ queries: places.map((one) => tablesIn(one.id)) });
}

/** The table of this workspace with a slug, as it is asked for; empty until that is known. Columns name tables so. */
export function useAddress(slug: string | undefined): string {
  const here = useWorkspace();
  const tables = useTables().data;
  if (slug === undefined || here === DEFAULT_WORKSPACE) return slug ?? '';
  const found = tables?.find((one) => one.slug === slug);
  return found ? addressOf(found) : '';
}

/** The endpoints of the imports of this workspace. */
export function useImports() {
  const here = useWorkspace();
  return useMemo(() => importsIn(here), [here]);
}

export function useTable(table: string, enabled = true) {
  return useQuery<Table>({ queryKey: keys.table(table), queryFn: () => api.get(table), enabled });
}

export function useTableStats(tables: string[]) {
  return useQueries({
    queries: tables.map((table) => ({
      queryKey: keys.stats(table),
      queryFn: () => api.stats(table),
    })),
  });
}

export function useFieldTypes() {
  return useQuery<FieldType[]>({
    queryKey: keys.fieldTypes,
    queryFn: fieldTypes.list,
    staleTime: Infinity,
  });
}

export function useApiKeys() {
  return useQuery({ queryKey: keys.apiKeys, queryFn: apiKeys.list });
}

/** What people call whoever did something. Only admins may ask for the names of others. */
export function useNames(): (actor: string | null | undefined, reason?: string) => string {
  const me = useSession().data;
  const enabled = mayAdminister(me);
  const people = useQuery({ queryKey: keys.users, queryFn: users.list, enabled, staleTime: 60_000 });
  const programs = useQuery({ queryKey: keys.apiKeys, queryFn: apiKeys.list, enabled, staleTime: 60_000 });
  return (actor, reason) => {
    // Somebody did it, through a form or the command line.
    if (!actor) return reason === 'user' ? text.history.stranger : text.history.program;
    if (actor === me?.user.id) return text.history.you;
    const person = people.data?.find((one) => one.id === actor);
    const program = programs.data?.find((one) => one.id === actor);
    return person?.name ?? (program ? text.history.key(program.name) : text.history.somebody(actor.slice(0, 8)));
  };
}

/** The table of this workspace with a slug; none where it is gone, or not known yet. */
export function useTableNamed(): (slug: string) => Table | undefined {
  const tables = useTables().data;
  return (slug) => tables?.find((one) => one.slug === slug);
}

/** Puts changed columns into the cached table at once, before the server confirms. */
export function usePatchColumns(table: string) {
  const client = useQueryClient();
  return (change: (columns: Column[]) => Column[]) =>
    client.setQueryData<Table>(keys.table(table), (old) =>
      old ? { ...old, columns: change(old.columns ?? []) } : old,
    );
}

export function useRefreshTable(table: string) {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: keys.table(table) }),
      client.invalidateQueries({ queryKey: keys.tables }),
    ]);
}

/** May this person change records? The server decides; this only hides what would be refused. */
export function mayEdit(session: Session | null | undefined): boolean {
  const role = session?.user.role;
  return role === 'owner' || role === 'admin' || role === 'editor';
}

export function mayAdminister(session: Session | null | undefined): boolean {
  const role = session?.user.role;
  return role === 'owner' || role === 'admin';
}
