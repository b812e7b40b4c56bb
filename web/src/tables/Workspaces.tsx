// Workspaces: made, renamed, deleted, and the tables in each, of which one can be copied into another workspace. Shows no records.
import { ActionIcon, Button, Group, Menu, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { ChevronDown, ChevronRight, Copy, Ellipsis, Pencil, Plus, Trash2 } from 'lucide-react';
import { Fragment, useState, type FormEvent } from 'react';
import { Link } from 'wouter';
import { workspaces as api } from '../api/endpoints';
import { DEFAULT_WORKSPACE, tablePath } from '../api/places';
import { keys, useTablesOf, useTableStats } from '../api/queries';
import { exported, shelves, tableFromJson } from '../api/shaping';
import type { Table, Workspace } from '../api/wire';
import { BODY_MIB_MAX, wholeTableOf } from '../imports/wholeTable';
import '../styles/shape.css';
import { text } from '../text/en';
import { words } from '../text/shape';
import { Confirm, type Question } from '../ui/confirm';
import { deletion, refreshTables } from './deleting';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { Sheet } from '../ui/Sheet';
import { Failure, Loading } from '../ui/states';
import { Heads } from '../ui/tables';
import { count, when } from '../ui/time';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

const { workspaces: say } = words;
const FIELDS = ['name', 'description'] as const;

export function Workspaces() {
  const found = useQuery({ queryKey: keys.workspaces, queryFn: api.list, refetchOnMount: 'always' });
  const all = found.data ?? [];
  const within = useTablesOf(all);
  const [open, setOpen] = useState<string | null>(null);
  const [editing, setEditing] = useState<Workspace | 'new' | null>(null);
  const [copying, setCopying] = useState<{ table: Table; from: Workspace } | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const remove = (one: Workspace, tables: number) =>
    setQuestion({
      title: say.removeTitle(one.name),
      body: say.removeBody(tables),
      confirm: say.removeRun,
      typed: one.name,
      danger: true,
      run: async () => {
        await shelves.remove(one.id);
        await refreshTables();
        show(say.removed(one.name));
      },
    });
  const removeTable = (table: Table, records: number) => setQuestion(deletion(table, records));
  if (found.isPending) return <Loading rows={4} />;
  if (found.isError && !found.data) return <Failure error={found.error} retry={() => void found.refetch()} />;
  return (
    <>
      <Group justify="space-between" mb="sm" gap="xs" align="flex-start">
        <Text size="sm" c="dimmed" maw={640}>
          {say.about}
        </Text>
        <Button leftSection={<Plus size={14} />} onClick={() => setEditing('new')}>
          {say.add}
        </Button>
      </Group>
      <Sheet label={words.workspaces.title}>
        <table className="plain workspaces">
          <Heads names={[say.name, say.slug, say.tables, say.made]} num={say.tables} actions />
          <tbody>
            {all.map((one, i) => {
              const tables = within[i]?.data;
              const opened = open === one.id;
              return (
                <Fragment key={one.id}>
                  <tr data-workspace={one.slug}>
                    <td>
                      <Group gap={6} wrap="nowrap">
                        <ActionIcon variant="subtle" color="gray" aria-expanded={opened} aria-label={opened ? say.hide(one.name) : say.show(one.name)} onClick={() => setOpen(opened ? null : one.id)}>
                          {opened ? <ChevronDown size={15} /> : <ChevronRight size={15} />}
                        </ActionIcon>
                        <span className="wrap-anywhere">
                          <strong>{one.name}</strong> {one.id === DEFAULT_WORKSPACE && <span className="dimmed">{say.isDefault}</span>}
                          {one.description && <span className="type-description workspace-about">{one.description}</span>}
                        </span>
                      </Group>
                    </td>
                    <td>
                      <code>{one.slug}</code>
                    </td>
                    <td className="num">{tables ? count(tables.length) : '…'}</td>
                    <td className="time">{one.id === DEFAULT_WORKSPACE ? '' : when(one.createdAt)}</td>
                    <td className="end">
                      <Menu position="bottom-end">
                        <Menu.Target>
                          <ActionIcon variant="subtle" color="gray" aria-label={say.menu(one.name)}>
                            <Ellipsis size={15} />
                          </ActionIcon>
                        </Menu.Target>
                        <Menu.Dropdown>
                          <Menu.Item leftSection={<Pencil size={14} />} onClick={() => setEditing(one)}>
                            {say.editTitle}
                          </Menu.Item>
                          <Menu.Item className="danger" leftSection={<Trash2 size={14} />} disabled={one.id === DEFAULT_WORKSPACE} onClick={() => remove(one, tables?.length ?? 0)}>
                            {say.removeRun}
                          </Menu.Item>
                        </Menu.Dropdown>
                      </Menu>
                    </td>
                  </tr>
                  {opened && (
                    <tr>
                      <td colSpan={5} className="within">
                        <Within workspace={one} tables={tables} copy={(table) => setCopying({ table, from: one })} remove={removeTable} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </Sheet>
      {editing && <Edit workspace={editing === 'new' ? undefined : editing} close={() => setEditing(null)} />}
      {copying && <CopyTable {...copying} all={all} close={() => setCopying(null)} />}
      <Confirm question={question} close={() => setQuestion(null)} />
    </>
  );
}

interface WithinProps {
  workspace: Workspace;
  tables: Table[] | undefined;
  copy: (table: Table) => void;
  remove: (table: Table, records: number) => void;
}

function Within({ workspace, tables, copy, remove }: WithinProps) {
  const stats = useTableStats((tables ?? []).map((one) => one.id));
  if (!tables) return <Loading rows={2} />;
  if (tables.length === 0) return <Text size="sm">{say.noTables}</Text>;
  return (
    <ul aria-label={say.tablesOf(workspace.name)} className="merged">
      {tables.map((table, i) => (
        <li key={table.id}>
          <span>
            <Link to={tablePath(table)}>{table.name}</Link> <span className="dimmed">{stats[i]?.data ? text.tables.records(stats[i].data.records) : ''}</span>
          </span>
          <Group gap={4}>
            <Button size="compact-xs" variant="default" leftSection={<Copy size={12} />} aria-label={say.copyOf(table.name)} onClick={() => copy(table)}>
              {say.copy}
            </Button>
            <ActionIcon size="sm" variant="subtle" color="red" aria-label={text.columns.deleteLabel(table.name)} onClick={() => remove(table, stats[i]?.data?.records ?? 0)}>
              <Trash2 size={14} />
            </ActionIcon>
          </Group>
        </li>
      ))}
    </ul>
  );
}

function Edit({ workspace, close }: { workspace?: Workspace; close: () => void }) {
  const [name, setName] = useState(workspace?.name ?? '');
  const [description, setDescription] = useState(workspace?.description ?? '');
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = { name: name.trim(), description: description || null };
    void work(async () => {
      const saved = await (workspace ? shelves.update(workspace.id, body) : shelves.create(body));
      await refreshTables();
      show(say.saved(saved.name));
      close();
    });
  };
  return (
    <Dialog onClose={close} title={workspace ? say.edit(workspace.name) : say.addTitle}>
      <form ref={form} onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label={say.name} required data-autofocus maxLength={120} value={name} error={at.name} onChange={(event) => setName(event.currentTarget.value)} />
          <Textarea label={say.description} autosize minRows={2} value={description} error={at.description} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={workspace ? text.common.save : say.add} busy={busy} disabled={name.trim() === ''} />
        </Stack>
      </form>
    </Dialog>
  );
}

function CopyTable({ table, from, all, close }: { table: Table; from: Workspace; all: Workspace[]; close: () => void }) {
  const others = all.filter((one) => one.id !== from.id);
  const [to, setTo] = useState<string | null>(others.length === 1 ? (others[0]?.id ?? null) : null);
  const [name, setName] = useState(table.name);
  const { busy, error, work } = useWork();
  const run = async () => {
    const file = new File([await exported(table.id, 'json', new URLSearchParams())], `${table.slug}.json`);
    if (file.size > BODY_MIB_MAX * 1024 * 1024) throw new Error(say.tooLarge(BODY_MIB_MAX));
    const whole = await wholeTableOf(file);
    if (!whole) throw new Error(words.whole.broken(file.name));
    await tableFromJson(whole.json, name.trim() === table.name ? null : name.trim(), to);
    await refreshTables();
    show(say.copied(name.trim(), all.find((one) => one.id === to)?.name ?? ''));
    close();
  };
  return (
    <Dialog onClose={close} title={say.copyTitle(table.name)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(run);
        }}
      >
        <Stack gap="sm">
          <Text size="sm">{say.copyBody}</Text>
          <Select label={say.to} data-autofocus required allowDeselect={false} data={others.map((one) => ({ value: one.id, label: one.name }))} value={to} onChange={setTo} />
          <TextInput label={words.whole.name} required maxLength={120} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Refusal error={error} fields={[]} />
          <FormFoot close={close} run={say.copyRun} busy={busy} disabled={to === null || name.trim() === ''} />
        </Stack>
      </form>
    </Dialog>
  );
}
