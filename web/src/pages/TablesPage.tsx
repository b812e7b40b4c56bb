// All tables as cards or as a list; the first page after signing in.
import { ActionIcon, Button, Group, Menu, SegmentedControl, Stack, TextInput, Title, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { ClipboardList, Columns3, Database, Ellipsis, FileUp, LayoutGrid, List, Plus, Search, Settings2, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { mayDrop, mayImport, useMayMakeTables } from '../access/rights';
import { addressOf, tablePath } from '../api/places';
import { useTables, useTableStats } from '../api/queries';
import type { Table, TableStats } from '../api/wire';
import { InWorkspace } from '../shell/here';
import { Crumbs, useMe } from '../shell/Shell';
import { deletion } from '../tables/deleting';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading } from '../ui/states';
import { Heads } from '../ui/tables';
import { ago, count, when } from '../ui/time';
import { TableMark } from '../ui/TableMark';

const SEARCH_FROM = 8;
let layoutChoice: 'cards' | 'list' = 'cards';

export function TablesPage() {
  const query = useTables();
  const me = useMe();
  const mayMake = useMayMakeTables();
  const [layout, setLayoutState] = useState(layoutChoice);
  const [search, setSearch] = useState('');
  const [needle] = useDebouncedValue(search.trim().toLowerCase(), 100);
  const [question, setQuestion] = useState<Question | null>(null);
  const setLayout = (next: 'cards' | 'list') => {
    layoutChoice = next;
    setLayoutState(next);
  };
  const all = query.data ?? [];
  const shown = needle ? all.filter((table) => table.name.toLowerCase().includes(needle)) : all;
  const statsQueries = useTableStats(all.map(addressOf));
  const stats = new Map(all.map((table, i) => [table.id, statsQueries[i]?.data]));
  const remove = (table: Table) => setQuestion(deletion(table, stats.get(table.id)?.records ?? 0));
  return (
    <div className="page">
      <Crumbs trail={[{ label: text.nav.tables }]} />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.nav.tables} <InWorkspace />
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
          {mayMake && all.length > 0 && (
            <>
              {mayImport(me) && (
                <Button component={Link} to="/new?from=file" variant="default" leftSection={<FileUp size={14} />}>
                  {text.tables.fromFile}
                </Button>
              )}
              <Button component={Link} to="/new" leftSection={<Plus size={14} />}>
                {text.tables.newTable}
              </Button>
            </>
          )}
        </Group>
      </div>
      {query.isPending && <Loading rows={4} height={72} />}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isSuccess && all.length === 0 && <FirstTable editable={mayMake} fromFile={mayImport(me)} />}
      {query.isSuccess && all.length > 0 && shown.length === 0 && (
        <Empty icon={<Search size={28} />} title={text.tables.noMatch(search)}>
          <Button variant="default" onClick={() => setSearch('')}>
            {text.common.clear}
          </Button>
        </Empty>
      )}
      {shown.length > 0 &&
        (layout === 'cards' ? (
          <Cards tables={shown} stats={stats} remove={remove} />
        ) : (
          <Rows tables={shown} stats={stats} remove={remove} />
        ))}
      <Confirm question={question} close={() => setQuestion(null)} />
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

function FirstTable({ editable, fromFile }: { editable: boolean; fromFile: boolean }) {
  return (
    <Empty
      icon={<Database size={28} />}
      title={text.tables.emptyTitle}
      body={!editable ? text.tables.emptyViewer : fromFile ? text.tables.emptyBody : text.tables.emptyTyped}
    >
      {editable && (
        <Stack gap="sm" align="center">
          <Group gap="xs">
            {fromFile && (
              <Button size="sm" component={Link} to="/new?from=file" leftSection={<FileUp size={16} />}>
                {text.tables.fromFile}
              </Button>
            )}
            <Button size="sm" component={Link} to="/new" variant={fromFile ? 'default' : 'filled'} leftSection={<Plus size={16} />}>
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
  remove: (table: Table) => void;
}

function TableMenu({ table, remove }: { table: Table; remove: (table: Table) => void }) {
  const [, navigate] = useLocation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={text.tables.menu(table.name)}>
          <Ellipsis size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Settings2 size={14} />} onClick={() => navigate(`${tablePath(table)}/settings`)}>
          {text.tables.settings}
        </Menu.Item>
        <Menu.Item leftSection={<Columns3 size={14} />} onClick={() => navigate(`${tablePath(table)}/columns`)}>
          {text.columns.title}
        </Menu.Item>
        <Menu.Item leftSection={<FileUp size={14} />} onClick={() => navigate(`${tablePath(table)}/import`)}>
          {text.imports.title}
        </Menu.Item>
        <Menu.Item leftSection={<ClipboardList size={14} />} onClick={() => navigate(`${tablePath(table)}/forms`)}>
          {text.nav.forms}
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

function Cards({ tables, stats, remove }: ListProps) {
  return (
    <ul className="cards">
      {tables.map((table) => (
        <li key={table.id} className="card">
          <Link to={tablePath(table)} className="card-link">
            <TableMark table={table} size={20} />
            <span className="card-text">
              <span className="card-name">{table.name}</span>
              {table.description && <span className="card-description">{table.description}</span>}
            </span>
            <span className="card-facts">
              <span>{records(stats.get(table.id))}</span>
              <span title={when(lastChange(table, stats.get(table.id)))}>{ago(lastChange(table, stats.get(table.id)))}</span>
            </span>
          </Link>
          {mayDrop(table) && (
            <div className="card-menu">
              <TableMenu table={table} remove={remove} />
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

function Rows({ tables, stats, remove }: ListProps) {
  return (
    <div className="sheet">
      <table className="plain">
        <Heads names={[text.tables.name, text.tables.recordsHead, text.tables.lastChange]} num={text.tables.recordsHead} actions />
        <tbody>
          {tables.map((table) => (
            <tr key={table.id}>
              <td>
                <Link to={tablePath(table)} className="row-link">
                  <TableMark table={table} size={16} /> {table.name}
                </Link>
              </td>
              <td className="num">{stats.get(table.id) ? count(stats.get(table.id)?.records ?? 0) : '…'}</td>
              <td className="time" title={when(lastChange(table, stats.get(table.id)))}>{ago(lastChange(table, stats.get(table.id)))}</td>
              <td className="end">{mayDrop(table) && <TableMenu table={table} remove={remove} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
