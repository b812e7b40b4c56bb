// How a table is named in an address of the page and in a request, and in which workspace the page is. Asks for nothing.
import { createContext, use } from 'react';
import type { Table } from './wire';

/** The workspace that is always there; its tables go by their slugs, those of the others by their ids. */
export const DEFAULT_WORKSPACE = 'default';

export type TablePlace = Pick<Table, 'id' | 'slug' | 'workspaceId'>;

/** What a table is called in an address and in a request. */
export const addressOf = (table: TablePlace): string => (table.workspaceId === DEFAULT_WORKSPACE ? table.slug : table.id);

/** The page of a table; pages about it begin so too. */
export const tablePath = (table: TablePlace): string => `/t/${addressOf(table)}`;

/** The page of a record. */
export const recordPath = (table: TablePlace, record: string): string => `${tablePath(table)}/r/${encodeURIComponent(record)}`;

/** The workspace in the query of a request, which needs none for the default one. */
export const inWorkspace = (workspace: string): { workspace?: string } => (workspace === DEFAULT_WORKSPACE ? {} : { workspace });

/** The workspace that the page shows, and whether that is known yet. */
export interface Here {
  workspace: string;
  known: boolean;
  choose: (workspace: string) => void;
}

export const HereContext = createContext<Here>({ workspace: DEFAULT_WORKSPACE, known: false, choose: () => undefined });

/** The id of the workspace that the page shows. */
export const useWorkspace = (): string => use(HereContext).workspace;
