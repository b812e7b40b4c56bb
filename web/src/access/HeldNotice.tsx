// Above a table of somebody who is held to a part of it, or may only read it though more is theirs elsewhere: what they may do, in words.
import { useMe } from '../shell/Shell';
import type { Column, Table } from '../api/wire';
import { held } from '../text/grants';
import { isHeld, mayWrite, seesPart } from './rights';
import { grantsInWords } from './sentence';

export function HeldNotice({ table, columns }: { table: Table; columns: Column[] }) {
  const me = useMe();
  if (!isHeld(me)) return null;
  const writes = mayWrite(table);
  if (writes && !seesPart(table)) return null;
  // What is hidden from them is not named to them.
  const own = me.user.grants.filter((one) => one.table === table.id && (one.scope !== 'none' || !one.column));
  const said = own.some((one) => one.filter || one.column) ? grantsInWords(own, { tables: [table], workspaces: [], columns: () => columns })[0] : undefined;
  if (said === undefined && writes) return null;
  return (
    <div className="notice" role="note">
      {said === undefined ? held.readOnly(table.name) : held.part(said)}
    </div>
  );
}
