// What the pages read more than once, cached by TanStack Query under one set of keys.
import { QueryClient, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { text } from '../text/en';
import { apiKeys, auth, fieldTypes, tables as api, users } from './endpoints';
import { ApiError, setCsrfToken } from './http';
import type { Column, FieldType, Session, Table } from './wire';

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
  tables: ['tables'] as const,
  table: (table: string) => ['table', table] as const,
  stats: (table: string) => ['stats', table] as const,
  trash: (table: string) => ['trash', table] as const,
  histories: (table: string) => ['history', table] as const,
  history: (table: string, record: string) => ['history', table, record] as const,
  operations: ['operations'] as const,
  views: (table: string) => ['views', table] as const,
  users: ['users'] as const,
  people: ['people'] as const,
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

export function useTables() {
  return useQuery<Table[]>({ queryKey: keys.tables, queryFn: api.list });
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
export function useNames(): (actor: string | null | undefined) => string {
  const me = useSession().data;
  const enabled = mayAdminister(me);
  const people = useQuery({ queryKey: keys.users, queryFn: users.list, enabled, staleTime: 60_000 });
  const programs = useQuery({ queryKey: keys.apiKeys, queryFn: apiKeys.list, enabled, staleTime: 60_000 });
  return (actor) => {
    if (!actor) return text.history.program;
    if (actor === me?.user.id) return text.history.you;
    const person = people.data?.find((one) => one.id === actor);
    const program = programs.data?.find((one) => one.id === actor);
    return person?.name ?? (program ? text.history.key(program.name) : text.history.somebody(actor.slice(0, 8)));
  };
}

/** What a table is called; one that is gone keeps its slug. */
export function useTableNames(): (slug: string) => string {
  const tables = useTables().data;
  return (slug) => tables?.find((one) => one.slug === slug)?.name ?? slug;
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
