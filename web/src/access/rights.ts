// What the person at the page may do where. Of a table and of a workspace the server says it (`access`); of what lies around them the role does.
// The server decides; this only leaves out what it would refuse.
import { useWorkspace } from '../api/places';
import { mayEdit, useSession, useWorkspaces } from '../api/queries';
import { editable } from '../fields/registry';
import type { Column, Session, Table } from '../api/wire';

/** Whether grants say something else than the role anywhere: what reaches over all tables is refused then. */
export const isHeld = (session: Session): boolean => session.user.grants.length > 0;

/** Whether records or columns of the table are kept back: what cannot be held to the rest is refused then. */
export const seesPart = (table: Table): boolean => table.access?.partial === true;

/** May this person write records of the table, those they see? */
export const mayWrite = ({ access }: Table): boolean => access?.scope === 'write' || access?.scope === 'admin';

/** May this person change what the table is: its columns, views and forms? */
export const mayShape = (table: Table): boolean => mayWrite(table) && !seesPart(table);

/** May this person delete the table, and read what is encrypted in it? */
export const mayDrop = (table: Table): boolean => table.access?.scope === 'admin' && !seesPart(table);

/** May this person make tables in the workspace that the page shows? As long as that is not told, as their role says. */
export function useMayMakeTables(): boolean {
  const session = useSession().data;
  const here = useWorkspace();
  const scope = useWorkspaces().data?.find((one) => one.id === here)?.access.scope;
  return scope ? scope === 'write' || scope === 'admin' : mayEdit(session);
}

/** May this person take in files, into the table or as a new one? An import is held to nothing, so whoever is held has none. */
export const mayImport = (session: Session, table?: Table): boolean => !isHeld(session) && (table ? mayShape(table) : mayEdit(session));

/** Columns that are kept from being written are shown as such. */
export function asGranted(table: Table, columns: Column[]): Column[] {
  if (!seesPart(table) || !mayWrite(table)) return columns;
  const writable = new Set(table.access?.writableColumns);
  return columns.map((column) => (editable(column) && !writable.has(column.slug) ? { ...column, isReadOnly: true } : column));
}
