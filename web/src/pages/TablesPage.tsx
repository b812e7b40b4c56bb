// All tables as cards or as a list; the first page after signing in.
import { ActionIcon, Button, Group, Menu, Modal, SegmentedControl, Stack, TextInput, Textarea, Title, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Columns3, Database, Ellipsis, FileUp, LayoutGrid, List, Pencil, Plus, Search, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { tables as api } from '../api/endpoints';
import { keys, mayAdminister, mayEdit, queryClient, useTables, useTableStats } from '../api/queries';
import type { Table, TableStats } from '../api/wire';
import { Crumbs, useMe } from '../shell/Shell';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading, Problem } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, count, when } from '../ui/time';
import { TableMark } from '../ui/TableMark';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

const SEARCH_FROM = 8;
let layoutChoice: 'cards' | 'list' = 'cards';

export function TablesPage() {
  const query = useTables();
  const me = useMe();
  const [layout, setLayoutState] = useState(layoutChoice);
  const [search, setSearch] = useState('');
  const [needle] = useDebouncedValue(search.trim().toLowerCase(), 100);
  const [question, setQuestion] = useState<Question | null>(null);
  const [renaming, setRenaming] = useState<Table | null>(null);
  const setLayout = (next: 'cards' | 'list') => {
    layoutChoice = next;
    setLayoutState(next);
  };
  const all = query.data ?? [];
  const shown = needle ? all.filter((table) => table.name.toLowerCase().includes(needle)) : all;
  const statsQueries = useTableStats(all.map((table) => table.slug));
  const stats = new Map(all.map((table, i) => [table.slug, statsQueries[i]?.data]));
  const remove = (table: Table) =>
    setQuestion({
      title: text.tables.deleteTitle(table.name),
      body: text.tables.deleteBody(stats.get(table.slug)?.records ?? 0),
      confirm: text.tables.delete,
      typed: table.name,
      danger: true,
      run: async () => {
        await api.remove(table.slug);
        await queryClient.invalidateQueries({ queryKey: keys.tables });
        show(text.tables.deleted(table.name));
      },
    });
  const actions = { remove, rename: setRenaming };
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.tables }]} />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.nav.tables}
        </Title>
        <Group gap="xs">
          {all.length >= SEARCH_FROM && (
            <TextInput
              size="xs"
              leftSection={<Search size={14} aria-hidden />}
              placeholder={text.tables.search}
              aria-label={text.tables.search}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
          )}
          {all.length > 0 && (
            <SegmentedControl
              size="xs"
              aria-label={text.tables.layout}
              value={layout}
              onChange={(value) => setLayout(value as 'cards' | 'list')}
              data={[
                { value: 'cards', label: <LayoutLabel icon={<LayoutGrid size={14} />} name={text.tables.cards} /> },
                { value: 'list', label: <LayoutLabel icon={<List size={14} />} name={text.tables.list} /> },
              ]}
            />
          )}
          {mayEdit(me) && all.length > 0 && (
            <>
              <Button component={Link} to="/new?from=file" variant="default" leftSection={<FileUp size={14} />}>
                {text.tables.fromFile}
              </Button>
              <Button component={Link} to="/new" leftSection={<Plus size={14} />}>
                {text.tables.newTable}
              </Button>
            </>
          )}
        </Group>
      </div>
      {query.isPending && <Loading rows={4} height={72} />}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isSuccess && all.length === 0 && <FirstTable editable={mayEdit(me)} />}
      {query.isSuccess && all.length > 0 && shown.length === 0 && (
        <Empty icon={<Search size={28} />} title={text.tables.noMatch(search)}>
          <Button variant="default" onClick={() => setSearch('')}>
            {text.common.clear}
          </Button>
        </Empty>
      )}
      {shown.length > 0 &&
        (layout === 'cards' ? (
          <Cards tables={shown} stats={stats} admin={mayAdminister(me)} {...actions} />
        ) : (
          <Rows tables={shown} stats={stats} admin={mayAdminister(me)} {...actions} />
        ))}
      <Confirm question={question} close={() => setQuestion(null)} />
      {renaming && <Rename table={renaming} close={() => setRenaming(null)} />}
    </div>
  );
}

function LayoutLabel({ icon, name }: { icon: React.ReactNode; name: string }) {
  return (
    <span className="segment-icon">
      {icon}
      <VisuallyHidden>{name}</VisuallyHidden>
    </span>
  );
}

function FirstTable({ editable }: { editable: boolean }) {
  return (
    <Empty
      icon={<Database size={28} />}
      title={text.tables.emptyTitle}
      body={editable ? text.tables.emptyBody : text.tables.emptyViewer}
    >
      {editable && (
        <Stack gap="sm" align="center">
          <Group gap="xs">
            <Button size="sm" component={Link} to="/new?from=file" leftSection={<FileUp size={16} />}>
              {text.tables.fromFile}
            </Button>
            <Button size="sm" component={Link} to="/new" variant="default" leftSection={<Plus size={16} />}>
              {text.tables.blank}
            </Button>
          </Group>
          <p className="hint">
            {text.tables.sampleHint} <code>chancery serve --demo</code>
          </p>
        </Stack>
      )}
    </Empty>
  );
}

interface ListProps {
  tables: Table[];
  stats: Map<string, TableStats | undefined>;
  admin: boolean;
  remove: (table: Table) => void;
  rename: (table: Table) => void;
}

function TableMenu({ table, remove, rename }: { table: Table } & Omit<ListProps, 'tables' | 'stats' | 'admin'>) {
  const [, navigate] = useLocation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={text.tables.menu(table.name)}>
          <Ellipsis size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Pencil size={14} />} onClick={() => rename(table)}>
          {text.tables.rename}
        </Menu.Item>
        <Menu.Item leftSection={<Columns3 size={14} />} onClick={() => navigate(`/t/${table.slug}/columns`)}>
          {text.columns.title}
        </Menu.Item>
        <Menu.Item leftSection={<FileUp size={14} />} onClick={() => navigate(`/t/${table.slug}/import`)}>
          {text.imports.title}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item className="danger" leftSection={<Trash2 size={14} />} onClick={() => remove(table)}>
          {text.tables.delete}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function lastChange(table: Table, stats: TableStats | undefined): string | null | undefined {
  return stats?.lastChangeAt ?? table.updatedAt ?? table.createdAt;
}

const records = (stats: TableStats | undefined) => (stats ? text.tables.records(stats.records) : '…');

function Cards({ tables, stats, admin, ...actions }: ListProps) {
  return (
    <ul className="cards">
      {tables.map((table) => (
        <li key={table.id} className="card">
          <Link to={`/t/${table.slug}`} className="card-link">
            <TableMark table={table} size={20} />
            <span className="card-text">
              <span className="card-name">{table.name}</span>
              {table.description && <span className="card-description">{table.description}</span>}
            </span>
            <span className="card-facts">
              <span>{records(stats.get(table.slug))}</span>
              <span title={when(lastChange(table, stats.get(table.slug)))}>{ago(lastChange(table, stats.get(table.slug)))}</span>
            </span>
          </Link>
          {admin && (
            <div className="card-menu">
              <TableMenu table={table} {...actions} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

function Rows({ tables, stats, admin, ...actions }: ListProps) {
  return (
    <div className="sheet">
      <table className="plain">
        <Heads names={[text.tables.name, text.tables.recordsHead, text.tables.lastChange]} num={text.tables.recordsHead} actions />
        <tbody>
          {tables.map((table) => (
            <tr key={table.id}>
              <td>
                <Link to={`/t/${table.slug}`} className="row-link">
                  <TableMark table={table} size={16} /> {table.name}
                </Link>
              </td>
              <td className="num">{stats.get(table.slug) ? count(stats.get(table.slug)?.records ?? 0) : '…'}</td>
              <td className="time" title={when(lastChange(table, stats.get(table.slug)))}>{ago(lastChange(table, stats.get(table.slug)))}</td>
              <td className="end">{admin && <TableMenu table={table} {...actions} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Rename({ table, close }: { table: Table; close: () => void }) {
  const [name, setName] = useState(table.name);
  const [description, setDescription] = useState(table.description ?? '');
  const { busy, error, work } = useWork();
  const save = async () => {
    await api.update(table.slug, { name, description });
    await queryClient.invalidateQueries({ queryKey: keys.tables });
    await queryClient.invalidateQueries({ queryKey: keys.table(table.slug) });
    close();
  };
  return (
    <Modal opened onClose={close} title={text.tables.rename}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(save);
        }}
      >
        <Stack gap="sm">
          <TextInput
            label={text.tables.name}
            value={name}
            required
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Textarea
            label={text.tables.description}
            value={description}
            autosize
            minRows={2}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <Problem error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {text.common.cancel}
            </Button>
            <Button type="submit" loading={busy}>
              {text.common.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
