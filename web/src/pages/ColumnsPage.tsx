// All columns of a table: add, edit, hide, reorder by drag or keyboard, delete.
import { ActionIcon, Badge, Button, Group, Menu, Switch, Title, VisuallyHidden } from '@mantine/core';
import { ArrowDown, ArrowUp, Columns3, Ellipsis, GripVertical, ListTree, Merge, Pencil, Plus, Shapes, Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { mayShape } from '../access/rights';
import { columns as api } from '../api/endpoints';
import { useFieldTypes, usePatchColumns, useRefreshTable, useTable } from '../api/queries';
import type { Column } from '../api/wire';
import { hasValues, mayChangeType, mayMerge } from '../columns/acts';
import { ColumnJobDialog, type AskedJob, type ColumnAct } from '../columns/ColumnJobDialog';
import { ColumnModal } from '../columns/ColumnModal';
import { DeletedColumns } from '../columns/DeletedColumns';
import { deletion } from '../columns/deleting';
import { fieldTypeName, kindOfColumn } from '../fields/registry';
import { writeView } from '../grid/viewUrl';
import { Crumbs } from '../shell/Shell';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { moved, useDragList } from '../ui/dragList';
import { Empty, Failure, Loading, messageOf } from '../ui/states';
import { showError } from '../ui/toast';

export function ColumnsPage({ table }: { table: string }) {
  const query = useTable(table);
  const types = useFieldTypes();
  const editor = query.data !== undefined && mayShape(query.data);
  const patch = usePatchColumns(table);
  const refresh = useRefreshTable(table);
  const [editing, setEditing] = useState<Column | 'new' | null>(null);
  const [asked, setAsked] = useState<AskedJob | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const [said, setSaid] = useState('');
  const [, navigate] = useLocation();
  const list = useMemo(
    () => [...(query.data?.columns ?? [])].sort((a, b) => (a.orderIndex ?? 0) - (b.orderIndex ?? 0)),
    [query.data?.columns],
  );
  const reorder = async (from: number, to: number) => {
    const next = moved(list, from, to);
    setSaid(text.columns.movedTo(list[from]?.name ?? '', to + 1));
    patch(() => next.map((column, i) => ({ ...column, orderIndex: i })));
    try {
      await api.reorder(table, next.map((column) => column.id));
    } catch (error) {
      showError(messageOf(error));
    }
    await refresh();
  };
  const drag = useDragList((from, to) => void reorder(from, to));
  const setVisible = async (column: Column, isVisible: boolean) => {
    patch((old) => old.map((one) => (one.id === column.id ? { ...one, isVisible } : one)));
    try {
      await api.update(table, column.id, { isVisible });
    } catch (error) {
      showError(messageOf(error));
    }
    await refresh();
  };
  const remove = (column: Column) => setQuestion(deletion(table, column, refresh));
  return (
    <div className="page">
      <Crumbs
        trail={[
          { label: text.nav.tables, to: '/' },
          { label: query.data?.name ?? table, to: `/t/${table}` },
          { label: text.columns.title },
        ]}
      />
      <div className="page-head">
        <Title order={1} size="h3">
          {text.columns.title}
        </Title>
        {editor && query.data && (
          <Button leftSection={<Plus size={14} />} onClick={() => setEditing('new')}>
            {text.columns.add}
          </Button>
        )}
      </div>
      {query.isPending && <Loading />}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.data && list.length === 0 && (
        <Empty icon={<Columns3 size={28} />} title={text.grid.noColumns} body={text.grid.noColumnsBody} />
      )}
      {list.length > 0 && (
        <ul className="column-list">
          {list.map((column, i) => {
            const Icon = kindOfColumn(column).icon;
            return (
              <li key={column.id} {...drag.item(i)}>
                {editor && (
                  <span className="grip" {...drag.grip(i)} aria-hidden>
                    <GripVertical size={16} />
                  </span>
                )}
                <Icon size={16} aria-hidden className="head-icon" />
                <span className="column-name">
                  <strong>{column.name}</strong>
                  <span className="dimmed">
                    {fieldTypeName(types.data, column.fieldType)} · <code>{column.slug}</code>
                  </span>
                </span>
                <Group gap={6} className="column-badges">
                  {column.isPrimary && <Badge variant="light">{text.columns.primary}</Badge>}
                  {column.validation?.required && <Badge variant="default">{text.columns.required}</Badge>}
                  {column.validation?.unique && <Badge variant="default">{text.columns.unique}</Badge>}
                  {column.encrypted && <Badge variant="default">{text.columns.isEncrypted}</Badge>}
                  {column.indexed && <Badge variant="default">{text.columns.indexed}</Badge>}
                </Group>
                {editor && (
                  <Group gap={2} wrap="nowrap">
                    <Switch
                      size="xs"
                      aria-label={text.columns.visible(column.name)}
                      checked={column.isVisible !== false}
                      disabled={column.isPrimary}
                      onChange={(event) => void setVisible(column, event.currentTarget.checked)}
                    />
                    <ActionIcon variant="subtle" color="gray" aria-label={text.columns.up(column.name)} disabled={i === 0} onClick={() => void reorder(i, i - 1)}>
                      <ArrowUp size={15} />
                    </ActionIcon>
                    <ActionIcon variant="subtle" color="gray" aria-label={text.columns.down(column.name)} disabled={i === list.length - 1} onClick={() => void reorder(i, i + 1)}>
                      <ArrowDown size={15} />
                    </ActionIcon>
                    <ActionIcon variant="subtle" color="gray" aria-label={text.columns.editTitle(column.name)} onClick={() => setEditing(column)}>
                      <Pencil size={15} />
                    </ActionIcon>
                    <ColumnMenu column={column} start={(kind) => setAsked({ column, kind })} />
                    <ActionIcon variant="subtle" color="red" aria-label={text.columns.deleteLabel(column.name)} disabled={column.isPrimary} onClick={() => remove(column)}>
                      <Trash2 size={15} />
                    </ActionIcon>
                  </Group>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {editor && query.data && <DeletedColumns table={table} refresh={refresh} />}
      <VisuallyHidden aria-live="polite">{said}</VisuallyHidden>
      <Confirm question={question} close={() => setQuestion(null)} />
      {query.data && (
        <ColumnJobDialog
          table={query.data}
          asked={asked}
          close={() => setAsked(null)}
          filter={(rule) => navigate(`/t/${table}${writeView({ sort: [], search: '', filter: { operator: 'and', filters: [rule] } }, list)}`)}
        />
      )}
      {editing && query.data && (
        <ColumnModal
          table={query.data}
          column={editing === 'new' ? undefined : editing}
          close={() => setEditing(null)}
          saved={() => {
            setEditing(null);
            void refresh();
          }}
          start={(kind) => {
            if (editing !== 'new') setAsked({ column: editing, kind });
            setEditing(null);
          }}
        />
      )}
    </div>
  );
}

/** What else there is to do with a column, besides editing it. */
function ColumnMenu({ column, start }: { column: Column; start: (kind: ColumnAct) => void }) {
  const items: [ColumnAct, boolean, string, React.ReactNode][] = [
    ['changeType', mayChangeType(column), text.columns.changeType, <Shapes key="icon" size={14} />],
    ['mergeOptions', mayMerge(column), text.columns.mergeOptions, <Merge key="icon" size={14} />],
    ['values', hasValues(column), text.columns.values, <ListTree key="icon" size={14} />],
  ];
  const possible = items.filter(([, possible]) => possible);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={text.columns.moreOf(column.name)} disabled={possible.length === 0}>
          <Ellipsis size={15} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {possible.map(([kind, , label, icon]) => (
          <Menu.Item key={kind} leftSection={icon} onClick={() => start(kind)}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
