// Who may sign in: added, changed, disabled, given a new password. What only an owner may do is not offered to others.
import { ActionIcon, Button, Menu, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Ellipsis, KeyRound, Pencil, Plus, Search, UserCheck, UserRoundX, Users } from 'lucide-react';
import { useState } from 'react';
import { GrantsShort } from '../access/GrantsShort';
import { users as api } from '../api/endpoints';
import { keys, mayAdminister, queryClient } from '../api/queries';
import type { User } from '../api/wire';
import { useReach } from '../shell/Connection';
import { Crumbs, useMe } from '../shell/Shell';
import { words } from '../text/admin';
import { text } from '../text/en';
import { AdminOnly, OfflineNotice, PageHead } from '../ui/AdminOnly';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading, messageOf } from '../ui/states';
import { Sheet } from '../ui/Sheet';
import { Heads } from '../ui/tables';
import { ago, when } from '../ui/time';
import { show, showError } from '../ui/toast';
import { OwnPassword } from '../users/OwnPassword';
import { AddUser, EditUser, SetPassword } from '../users/UserDialogs';

/** From so many people on, a box to find one. */
const FIND_FROM = 8;

export type Asked = { kind: 'add' } | { kind: 'edit' | 'password'; user: User };

export function UsersPage() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const me = useMe();
  const close = () => setAsked(null);
  return (
    <>
      <OfflineNotice />
      <div className="page">
        <Crumbs trail={[{ label: text.nav.users }]} />
        <AdminPage ask={setAsked} />
        {asked?.kind === 'add' && <AddUser close={close} />}
        {asked?.kind === 'edit' && <EditUser user={asked.user} close={close} />}
        {asked?.kind === 'password' && (asked.user.id === me.user.id ? <OwnPassword user={asked.user} close={close} /> : <SetPassword user={asked.user} close={close} />)}
      </div>
    </>
  );
}

function AdminPage({ ask }: { ask: (asked: Asked) => void }) {
  return (
    <>
      <PageHead title={text.nav.users} about={words.users.about}>
        <AddButton ask={ask} />
      </PageHead>
      <AdminOnly why={words.users.adminsOnly}>
        <People ask={ask} />
      </AdminOnly>
    </>
  );
}

function AddButton({ ask }: { ask: (asked: Asked) => void }) {
  const online = useReach() === 'online';
  if (!mayAdminister(useMe())) return null;
  return (
    <Button disabled={!online} leftSection={<Plus size={14} />} onClick={() => ask({ kind: 'add' })}>
      {words.users.add}
    </Button>
  );
}

function People({ ask }: { ask: (asked: Asked) => void }) {
  const found = useQuery({ queryKey: keys.users, queryFn: api.list, refetchOnMount: 'always' });
  const [wanted, setWanted] = useState('');
  const [question, setQuestion] = useState<Question | null>(null);
  if (found.isPending) return <Loading />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const all = found.data ?? [];
  const lower = wanted.trim().toLowerCase();
  const shown = all.filter((one) => `${one.name} ${one.email}`.toLowerCase().includes(lower));
  const turn = async (user: User, active: boolean) => {
    await api.update(user.id, { active });
    await queryClient.invalidateQueries({ queryKey: keys.users });
    show(active ? words.users.isEnabled(user.name) : words.users.isDisabled(user.name));
  };
  const setActive = (user: User, active: boolean) => {
    if (active) return void turn(user, true).catch((error: unknown) => showError(messageOf(error)));
    setQuestion({
      title: words.users.disableTitle(user.name),
      body: words.users.disableBody,
      confirm: words.users.disable,
      danger: true,
      run: () => turn(user, false),
    });
  };
  const { name, email, role, state, lastSignIn, added } = words.users;
  return (
    <>
      {all.length >= FIND_FROM && (
        <TextInput
          mb="sm"
          maw={320}
          type="search"
          leftSection={<Search size={14} aria-hidden />}
          aria-label={words.users.find}
          placeholder={words.users.find}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      {shown.length === 0 ? (
        <Empty icon={<Users size={28} />} title={words.users.noMatch(wanted)} />
      ) : (
        <Sheet label={text.nav.users}>
          <table className="plain people">
            <Heads names={[name, email, role, state, lastSignIn, added]} actions />
            <tbody>
              {shown.map((user) => (
                <Person key={user.id} user={user} ask={ask} setActive={setActive} />
              ))}
            </tbody>
          </table>
        </Sheet>
      )}
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

interface PersonProps {
  user: User;
  ask: (asked: Asked) => void;
  setActive: (user: User, active: boolean) => void;
}

function Person({ user, ask, setActive }: PersonProps) {
  const me = useMe().user;
  const mine = user.id === me.id;
  const online = useReach() === 'online';
  const locked = user.role === 'owner' && me.role !== 'owner';
  return (
    <tr data-user={user.email}>
      <td>
        <strong>{user.name}</strong> {mine && <span className="dimmed">({words.users.you})</span>}
      </td>
      <td className="wrap-anywhere">{user.email}</td>
      <td>
        {text.roles[user.role] ?? user.role}
        <GrantsShort grants={user.grants} />
      </td>
      <td>
        <span className="pill" data-color={user.active ? 'green' : 'gray'}>
          {user.active ? words.users.active : words.users.disabled}
        </span>
      </td>
      <td className="time" title={when(user.lastSignInAt)}>
        {user.lastSignInAt ? ago(user.lastSignInAt) : words.users.never}
      </td>
      <td className="time" title={when(user.createdAt)}>
        {ago(user.createdAt)}
      </td>
      <td className="end">
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon
              size={26}
              variant="subtle"
              color="gray"
              disabled={locked || !online}
              title={locked ? words.users.ownersOnly : undefined}
              aria-label={words.users.menu(user.name)}
            >
              <Ellipsis size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<Pencil size={14} />} onClick={() => ask({ kind: 'edit', user })}>
              {words.users.edit}
            </Menu.Item>
            <Menu.Item leftSection={<KeyRound size={14} />} onClick={() => ask({ kind: 'password', user })}>
              {mine ? words.users.ownPassword : words.users.setPassword}
            </Menu.Item>
            {!mine &&
              (user.active ? (
                <Menu.Item className="danger" leftSection={<UserRoundX size={14} />} onClick={() => setActive(user, false)}>
                  {words.users.disable}
                </Menu.Item>
              ) : (
                <Menu.Item leftSection={<UserCheck size={14} />} onClick={() => setActive(user, true)}>
                  {words.users.enable}
                </Menu.Item>
              ))}
          </Menu.Dropdown>
        </Menu>
      </td>
    </tr>
  );
}
