// Which secrets there are. No value and no token is ever here.
import { Badge, Button, Checkbox, Code, Group, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { CalendarClock, Lock, Plus, RotateCcw, SearchX, Trash2, Vault as VaultIcon } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { keys } from '../api/queries';
import { vault } from '../api/vault';
import type { SecretInfo } from '../api/wire';
import { text } from '../text/en';
import { words } from '../text/vault';
import { Empty, Failure, Loading } from '../ui/states';
import { ago, when } from '../ui/time';
import { useActs } from './acts';
import { FilterBar } from './FilterBar';
import { ALL, narrows, questionOf, type Filter } from './filter';
import { handleOf, nameOf } from './names';
import { Sheet } from '../ui/Sheet';

const TYPING_MS = 300;

interface ListProps {
  filter: Filter;
  setFilter: (filter: Filter) => void;
  create: () => void;
  sealed: boolean;
}

export function SecretList({ filter, setFilter, create, sealed }: ListProps) {
  const [settled] = useDebouncedValue(filter, TYPING_MS);
  const asked = questionOf(settled);
  const found = useInfiniteQuery({
    queryKey: [...keys.vault, 'secrets', asked],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => vault.list(asked, pageParam),
    getNextPageParam: (page) => (page.pagination.hasMore ? (page.pagination.nextCursor ?? undefined) : undefined),
    placeholderData: keepPreviousData,
    refetchOnMount: 'always',
  });
  const secrets = found.data?.pages.flatMap((page) => page.secrets) ?? [];
  const total = found.data?.pages[0]?.pagination.total ?? secrets.length;
  if (found.isPending) return <Loading />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  const narrowed = narrows(settled);
  if (secrets.length === 0 && !narrowed) {
    return <First create={create} sealed={sealed} showDeleted={() => setFilter({ ...ALL, state: 'all' })} />;
  }
  return (
    <>
      <FilterBar filter={filter} onChange={setFilter} />
      {secrets.length === 0 ? (
        <Empty icon={<SearchX size={28} />} title={words.none} body={words.noneBody}>
          <Button variant="default" onClick={() => setFilter(ALL)}>
            {words.filter.clear}
          </Button>
        </Empty>
      ) : (
        <Rows key={JSON.stringify(asked)} secrets={secrets} total={total} />
      )}
      {found.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {text.common.more}
          </Button>
        </Group>
      )}
    </>
  );
}

/** Nothing is here yet: what a secret is, and how to make the first one, here or elsewhere. */
function First(props: { create: () => void; sealed: boolean; showDeleted: () => void }) {
  return (
    <>
      <Empty icon={<VaultIcon size={28} />} title={words.empty.title} body={words.empty.body}>
        <Button leftSection={<Plus size={14} />} disabled={props.sealed} onClick={props.create}>
          {words.empty.first}
        </Button>
        <Button variant="default" onClick={props.showDeleted}>
          {words.showDeleted}
        </Button>
      </Empty>
      <dl className="elsewhere">
        <div>
          <dt>{words.empty.terminal}</dt>
          <dd>
            <Code>{words.empty.cli}</Code>
          </dd>
        </div>
        <div>
          <dt>{words.empty.http}</dt>
          <dd>
            <Code>{words.empty.curl}</Code>
          </dd>
        </div>
      </dl>
    </>
  );
}

function Rows({ secrets, total }: { secrets: SecretInfo[]; total: number }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const picked = secrets.filter((secret) => chosen.has(secret.id));
  const acts = useActs(() => setChosen(new Set()));
  const toggle = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const live = picked.filter((secret) => secret.status !== 'deleted');
  const deleted = picked.filter((secret) => secret.status === 'deleted');
  return (
    <>
      <Group gap="xs" mb="xs" className="trash-tools" role="group" aria-label={words.list.label1}>
        <Text size="sm" role="status">
          {picked.length > 0 ? words.list.selected(picked.length) : words.list.shown(secrets.length, total)}
        </Text>
        {live.length > 0 && (
          <>
            <Button variant="default" leftSection={<CalendarClock size={14} />} onClick={() => acts.renew(live)}>
              {words.renew}
            </Button>
            <Button variant="light" color="red" leftSection={<Trash2 size={14} />} onClick={() => acts.remove(live)}>
              {words.delete}
            </Button>
          </>
        )}
        {deleted.length > 0 && (
          <>
            <Button variant="default" leftSection={<RotateCcw size={14} />} onClick={() => void acts.restore(deleted)}>
              {words.restore}
            </Button>
            <Button variant="light" color="red" leftSection={<Trash2 size={14} />} onClick={() => acts.purge(deleted)}>
              {words.purge}
            </Button>
          </>
        )}
        {picked.length > 0 && (
          <Button variant="subtle" onClick={() => setChosen(new Set())}>
            {words.list.clear}
          </Button>
        )}
      </Group>
      <Sheet label={text.nav.vault}>
        <table className="plain secrets">
          <thead>
            <tr>
              <th scope="col" className="check">
                <Checkbox
                  size="xs"
                  aria-label={words.list.selectAll}
                  checked={picked.length === secrets.length}
                  indeterminate={picked.length > 0 && picked.length < secrets.length}
                  onChange={(event) =>
                    setChosen(event.currentTarget.checked ? new Set(secrets.map((one) => one.id)) : new Set())
                  }
                />
              </th>
              {[words.list.id, words.list.label, words.list.state, words.list.expires, words.list.reads, words.list.password, words.list.created].map(
                (name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {secrets.map((secret) => (
              <Row key={secret.id} secret={secret} chosen={chosen.has(secret.id)} toggle={toggle} />
            ))}
          </tbody>
        </table>
      </Sheet>
      {acts.dialogs}
    </>
  );
}

function Row(props: { secret: SecretInfo; chosen: boolean; toggle: (id: string, on: boolean) => void }) {
  const { secret, chosen, toggle } = props;
  const name = nameOf(secret);
  const rest = Object.entries(secret.metadata).filter(([, value]) => value !== name);
  return (
    <tr data-secret={secret.id} data-state={secret.status}>
      <td className="check">
        <Checkbox
          size="xs"
          aria-label={words.list.select(name)}
          checked={chosen}
          onChange={(event) => toggle(secret.id, event.currentTarget.checked)}
        />
      </td>
      <td className="cut">
        <Link to={`/vault/s/${secret.id}`} className="row-link">
          {name}
        </Link>
        <div className="dimmed" title={secret.id}>
          {name === handleOf(secret.id) ? '' : `${handleOf(secret.id)} · `}
          {words.kinds[secret.kind]}
        </div>
      </td>
      <td className="cut">
        {rest.map(([key, value]) => (
          <div key={key} className="meta cut">
            <span className="dimmed">{key}</span> {value}
          </div>
        ))}
      </td>
      <td>
        <State secret={secret} />
      </td>
      <td className="time" title={when(secret.expiresAt)}>
        {secret.expiresAt ? ago(secret.expiresAt) : words.list.never}
      </td>
      <td>{readsOf(secret)}</td>
      <td>
        {secret.hasPassword ? (
          <span className="with-icon">
            <Lock size={12} aria-hidden /> {words.list.yes}
          </span>
        ) : (
          words.list.no
        )}
      </td>
      <td className="time" title={when(secret.createdAt)}>
        {ago(secret.createdAt)}
      </td>
    </tr>
  );
}

const COLORS: Record<string, string> = { live: 'green', expired: 'orange', deleted: 'gray', exhausted: 'red' };

export function State({ secret }: { secret: SecretInfo }) {
  return (
    <span className="pill" data-color={COLORS[secret.status]}>
      {words.states[secret.status] ?? secret.status}
    </span>
  );
}

export function readsOf(secret: SecretInfo): string {
  if (secret.readsLeft == null) return words.list.unlimited;
  return words.list.of(secret.readsLeft, secret.maxReads ?? secret.readsLeft);
}

export function Pills({ metadata }: { metadata: Record<string, string> }) {
  return (
    <Group gap={6}>
      {Object.entries(metadata).map(([name, value]) => (
        <Badge key={name} variant="default" tt="none" fw={400} title={`${name}: ${value}`}>
          {name}: {value}
        </Badge>
      ))}
    </Group>
  );
}
