// Above the grid: fields, filter, sort, search, import, export, new record, and how many rows there are.
import { Button, Checkbox, Menu, Popover, TextInput, ActionIcon, Tooltip } from '@mantine/core';
import {
  ArrowDown, ArrowUp, ArrowUpDown, Bookmark, ClipboardList, Columns3, Copy, Download, Ellipsis, EyeOff, FileUp, Filter, Plus, Redo2, RefreshCw, Rows3, Search, Settings2, Trash2, Undo2,
} from 'lucide-react';
import { lazy, Suspense, useState, type ReactNode, type RefObject } from 'react';
import { useLocation } from 'wouter';
import { tablePath } from '../api/places';
import type { Column, ColumnUpdate, FieldType, FilterGroup, Table } from '../api/wire';
import { FilterPanel } from '../filter/FilterPanel';
import { effective, emptyFilter, isGroup, ruleCount, type Filterable } from '../filter/model';
import { SortPanel } from '../filter/SortPanel';
import { text } from '../text/en';
import { copy } from '../ui/copy';
import { count } from '../ui/time';
import { ROW_HEIGHTS, type RowSize } from './geometry';
import { GroupPanel } from './GroupPanel';
import type { GridModel, View } from './model';
import { Selected } from './Selected';
import { ViewsPanel } from './ViewsPanel';

const ExportDialog = lazy(() => import('./ExportDialog').then((all) => ({ default: all.ExportDialog })));

const TRAVELS = [['undo', Undo2, 'Ctrl+Z'], ['redo', Redo2, 'Ctrl+Y']] as const;

export type Panel = 'views' | 'fields' | 'filter' | 'sort' | 'group' | null;

interface ToolbarProps {
  table: Table;
  grid: GridModel;
  columns: Column[];
  fields: Filterable[];
  types: FieldType[] | undefined;
  view: View;
  setView: (view: View) => void;
  panel: Panel;
  setPanel: (panel: Panel) => void;
  searchBox: RefObject<HTMLInputElement | null>;
  mayEdit: boolean;
  /** Whether its columns, views and forms may be changed. */
  mayShape: boolean;
  /** Whether files may be taken in. */
  mayImport: boolean;
  /** Whether a part of it is all there is for this person. */
  part: boolean;
  newRecord: () => void;
  /** Takes the last step of this tab back, or does it again. */
  travel: (way: 'undo' | 'redo') => void;
  addColumn: () => void;
  saveColumn: (column: Column, input: ColumnUpdate) => void;
  reorder: (ids: string[]) => void;
}

export function Toolbar(props: ToolbarProps) {
  const { grid, view, setView, panel, setPanel, table } = props;
  const [, navigate] = useLocation();
  const [exporting, setExporting] = useState(false);
  const filter: FilterGroup = view.filter && isGroup(view.filter) ? view.filter : emptyFilter();
  const rules = ruleCount(filter);
  const hidden = props.columns.filter((column) => column.isVisible === false).length;
  const opens = (name: Panel) => ({ opened: panel === name, change: (open: boolean) => setPanel(open ? name : null) });
  const nameOf = (slug: string) => props.fields.find((one) => one.slug === slug)?.name ?? slug;
  const copyFilter = () => copy(JSON.stringify({ filter: effective(filter) }, null, 2), text.filter.copied);
  const { rows, exact } = grid.rowCount;
  return (
    <div className="toolbar" role="toolbar" aria-label={text.grid.toolbar}>
      <Tool {...opens('views')} title={text.views.title} icon={<Bookmark size={14} />}>
        <ViewsPanel table={table} view={view} setView={setView} mayEdit={props.mayShape} />
      </Tool>
      <Tool {...opens('fields')} title={text.fieldsPanel.title} active={hidden > 0 && text.fieldsPanel.hidden(hidden)} icon={<EyeOff size={14} />}>
        <FieldsPanel {...props} />
      </Tool>
      <Tool {...opens('filter')} title={text.filter.title} active={rules > 0 && text.filter.active(rules)} icon={<Filter size={14} />}>
        <FilterPanel fields={props.fields} types={props.types} filter={filter} copy={copyFilter} change={(next) => setView({ ...view, filter: next })} />
      </Tool>
      <Tool {...opens('sort')} title={text.sort.title} active={view.sort.length > 0 && text.sort.active(view.sort.length)} icon={<ArrowUpDown size={14} />}>
        <SortPanel fields={props.fields} sort={view.sort} change={(sort) => setView({ ...view, sort })} />
      </Tool>
      <Tool {...opens('group')} title={text.group.title} active={view.group && text.group.active(nameOf(view.group.column))} icon={<Rows3 size={14} />}>
        <GroupPanel grid={grid} fields={props.fields} view={view} setView={setView} />
      </Tool>
      <TextInput
        ref={props.searchBox}
        className="toolbar-search"
        size="xs"
        type="search"
        leftSection={<Search size={14} aria-hidden />}
        placeholder={text.grid.search}
        aria-label={text.grid.search}
        value={view.search}
        onChange={(event) => setView({ ...view, search: event.currentTarget.value })}
      />
      {view.search.trim() !== '' && (
        <Checkbox
          size="xs"
          className="toolbar-alike"
          label={text.grid.alike}
          title={text.grid.alikeHint}
          checked={view.alike === true}
          onChange={(event) => setView({ ...view, alike: event.currentTarget.checked || undefined })}
        />
      )}
      <Selected grid={grid} />
      <span className="toolbar-count" aria-live="polite">
        {grid.loaded ? (exact ? text.grid.rows(count(rows), rows) : text.grid.rowsAtLeast(count(rows))) : ''}
        {grid.loaded && rows > 0 && grid.ranked && (
          <>
            <span className="toolbar-dot"> · </span>
            <span className="toolbar-ranked">{text.grid.ranked}</span>
          </>
        )}
      </span>
      <Tooltip label={text.grid.refresh}>
        <ActionIcon variant="subtle" color="gray" aria-label={text.grid.refresh} onClick={() => grid.refresh()}>
          <RefreshCw size={15} />
        </ActionIcon>
      </Tooltip>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={text.grid.more}>
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {props.mayEdit && (
            <>
              {TRAVELS.map(([way, Icon, keys]) => {
                const step = grid.history.next(way);
                return (
                  <Menu.Item key={way} leftSection={<Icon size={14} />} rightSection={<span className="menu-keys">{keys}</span>} disabled={!step} onClick={() => props.travel(way)}>
                    {text.undo.next(way, step)}
                  </Menu.Item>
                );
              })}
              <Menu.Divider />
            </>
          )}
          {props.mayImport && (
            <Menu.Item leftSection={<FileUp size={14} />} onClick={() => navigate(`${tablePath(table)}/import`)}>
              {text.imports.title}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<Download size={14} />} onClick={() => setExporting(true)}>
            {text.exports.title}
          </Menu.Item>
          <Menu.Item leftSection={<Columns3 size={14} />} onClick={() => navigate(`${tablePath(table)}/columns`)}>
            {text.columns.title}
          </Menu.Item>
          {props.mayShape && (
            <Menu.Item leftSection={<Settings2 size={14} />} onClick={() => navigate(`${tablePath(table)}/settings`)}>
              {text.tables.settings}
            </Menu.Item>
          )}
          {!props.part && (
            <>
              <Menu.Item leftSection={<Copy size={14} />} onClick={() => navigate(`${tablePath(table)}/duplicates`)}>
                {text.nav.duplicates}
              </Menu.Item>
              <Menu.Item leftSection={<ClipboardList size={14} />} onClick={() => navigate(`${tablePath(table)}/forms`)}>
                {text.nav.forms}
              </Menu.Item>
            </>
          )}
          <Menu.Item leftSection={<Trash2 size={14} />} onClick={() => navigate(`${tablePath(table)}/trash`)}>
            {text.nav.trash}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>{text.rowSize.title}</Menu.Label>
          <Menu.RadioGroup value={view.rowSize ?? 'short'} onChange={(size) => setView({ ...view, rowSize: size as RowSize })}>
            {(Object.keys(ROW_HEIGHTS) as RowSize[]).map((size) => (
              <Menu.RadioItem key={size} value={size} closeMenuOnClick>
                {text.rowSize[size]}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Dropdown>
      </Menu>
      {props.mayEdit && (
        <Button className="toolbar-new" leftSection={<Plus size={14} />} onClick={props.newRecord}>
          {text.grid.newRecord}
        </Button>
      )}
      {exporting && (
        <Suspense fallback={null}>
          <ExportDialog table={table} columns={props.columns} view={view} grid={grid} close={() => setExporting(false)} />
        </Suspense>
      )}
    </div>
  );
}

interface ToolProps {
  opened: boolean;
  change: (open: boolean) => void;
  title: string;
  /** What it says while it has an effect. */
  active?: string | false;
  icon: ReactNode;
  children: ReactNode;
}

/** A button and the panel that it opens. */
function Tool({ opened, change, title, active, icon, children }: ToolProps) {
  return (
    <Popover position="bottom-start" shadow="md" trapFocus opened={opened} onChange={(open) => !open && change(false)}>
      <Popover.Target>
        <Button variant={active ? 'light' : 'subtle'} color={active ? undefined : 'gray'} leftSection={icon} onClick={() => change(!opened)}>
          {active || title}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={title}>{children}</Popover.Dropdown>
    </Popover>
  );
}

function FieldsPanel({ columns, saveColumn, reorder, mayShape: mayEdit, addColumn }: ToolbarProps) {
  const swap = (i: number, j: number) => {
    const ids = columns.map((column) => column.id);
    const [a, b] = [ids[i], ids[j]];
    if (!a || !b) return;
    ids[i] = b;
    ids[j] = a;
    reorder(ids);
  };
  return (
    <div className="fields-panel">
      <ul>
        {columns.map((column, i) => (
          <li key={column.id}>
            <Checkbox
              size="xs"
              label={column.name}
              checked={column.isVisible !== false}
              disabled={!mayEdit || column.isPrimary}
              onChange={(event) => saveColumn(column, { isVisible: event.currentTarget.checked })}
            />
            {mayEdit && (
              <span className="fields-move">
                <ActionIcon size={24} variant="subtle" color="gray" aria-label={text.columns.up(column.name)} disabled={i === 0} onClick={() => swap(i, i - 1)}>
                  <ArrowUp size={13} />
                </ActionIcon>
                <ActionIcon size={24} variant="subtle" color="gray" aria-label={text.columns.down(column.name)} disabled={i === columns.length - 1} onClick={() => swap(i, i + 1)}>
                  <ArrowDown size={13} />
                </ActionIcon>
              </span>
            )}
          </li>
        ))}
      </ul>
      {mayEdit && (
        <div className="fields-foot">
          <Button variant="subtle" leftSection={<Plus size={14} />} onClick={addColumn}>
            {text.columns.add}
          </Button>
          <Button
            variant="subtle"
            color="gray"
            onClick={() => columns.filter((one) => one.isVisible === false).forEach((one) => saveColumn(one, { isVisible: true }))}
          >
            {text.fieldsPanel.showAll}
          </Button>
        </div>
      )}
    </div>
  );
}
