// The menus of a column header and of a cell, opened at a point by mouse or keyboard.
import { Menu, NumberInput, Button, Group } from '@mantine/core';
import {
  ArrowDownAZ, ArrowLeft, ArrowRight, ArrowUpAZ, ClipboardCopy, ClipboardPaste, Eraser, Expand, EyeOff, Filter, KeyRound, ListTree, Lock, LockOpen, Merge,
  MoveHorizontal, Pencil, Pin, PinOff, Rows3, Shapes, Sigma, Trash2, UnfoldHorizontal,
} from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { Column, ColumnJobKind, Data, FieldType, SortKey } from '../api/wire';
import { hasValues, mayChangeType, mayMerge } from '../columns/acts';
import type { AskedJob, ColumnAct } from '../columns/ColumnJobDialog';
import { deletion } from '../columns/deleting';
import { jobsOn } from '../columns/encryption';
import { emptyFilter, isGroup, newRule, operatorsOf, SORT_KEYS_MAX, type Filterable, isRelated } from '../filter/model';
import { text } from '../text/en';
import type { Question } from '../ui/confirm';
import { Dialog } from '../ui/Dialog';
import { useFocusBack } from '../ui/focus';
import { messageOf } from '../ui/states';
import { showError } from '../ui/toast';
import { clampWidth, MAX_WIDTH, MIN_WIDTH, type Layout } from './geometry';
import { figuresOf, groupable } from './figures';
import type { Figure, GridModel, View } from './model';
import type { GridWriter } from './writer';

export interface MenuAt {
  x: number;
  y: number;
}

interface PointProps {
  at: MenuAt | null;
  close: () => void;
  label: string;
  children: ReactNode;
}

function MenuAtPoint({ at, ...rest }: PointProps) {
  return at && <OpenAt at={at} {...rest} />;
}

function OpenAt({ at, close, label, children }: PointProps & { at: MenuAt }) {
  useFocusBack();
  return (
    <Menu opened onClose={close} position="bottom-start" offset={2} returnFocus={false} clickOutsideEvents={['mousedown', 'touchstart']}>
      <Menu.Target>
        <button type="button" tabIndex={-1} className="menu-point" aria-label={label} style={{ left: at.x, top: at.y }} />
      </Menu.Target>
      <Menu.Dropdown aria-label={label}>{children}</Menu.Dropdown>
    </Menu>
  );
}

interface HeaderMenuProps {
  at: (MenuAt & { col: number }) | null;
  close: () => void;
  layout: Layout;
  view: View;
  setView: (view: View) => void;
  mayEdit: boolean;
  /** Whether the jobs of the vault are for this person. */
  admin: boolean;
  start: (asked: AskedJob) => void;
  move: (from: number, to: number) => void;
  resize: (columnId: string, width: number, done: boolean) => void;
  fit: (columnId: string) => void;
  hide: (column: Column) => void;
  edit: (column: Column) => void;
  filterBy: () => void;
  fields: Filterable[];
  types: FieldType[] | undefined;
  ask: (question: Question) => void;
  removed: () => Promise<unknown>;
  /** What the table is called in requests. */
  address: string;
}

/** Puts one key into an order: changed where it is, else first. */
export function sortBy(sort: SortKey[], column: string, direction: 'asc' | 'desc'): SortKey[] {
  const rest = sort.filter((key) => key.column !== column);
  return [{ column, direction }, ...rest].slice(0, SORT_KEYS_MAX);
}

/** A view grouped by a column, or by none. */
export function groupedBy(view: View, column: string | null): View {
  const { group: _old, ...rest } = view;
  return column === null ? rest : { ...rest, group: { column, direction: view.group?.direction ?? 'asc' } };
}

function FigureItems({ column, view, setView }: { column: Column; view: View; setView: (view: View) => void }) {
  const chosen = view.figures?.[column.slug];
  const choose = (figure: Figure | undefined) => {
    const { [column.slug]: _old, ...rest } = view.figures ?? {};
    setView({ ...view, figures: figure ? { ...rest, [column.slug]: figure } : rest });
  };
  return (
    <Menu.RadioGroup value={chosen ?? ''} onChange={(figure) => choose(figure === '' ? undefined : (figure as Figure))}>
      <Menu.RadioItem value="" closeMenuOnClick>
        {text.figures.none}
      </Menu.RadioItem>
      {figuresOf(column).map((figure) => (
        <Menu.RadioItem key={figure} value={figure} closeMenuOnClick>
          {text.figures.names[figure]}
        </Menu.RadioItem>
      ))}
    </Menu.RadioGroup>
  );
}

/** The choice of what stands below a column. */
export function FigureMenu(props: {
  at: (MenuAt & { col: number }) | null;
  close: () => void;
  layout: Layout;
  view: View;
  setView: (view: View) => void;
}) {
  const column = props.at ? props.layout.columns[props.at.col]?.column : undefined;
  return (
    <MenuAtPoint at={column ? props.at : null} close={props.close} label={column ? text.figures.of(column.name) : ''}>
      {column && <FigureItems column={column} view={props.view} setView={props.setView} />}
    </MenuAtPoint>
  );
}

const JOB_ICONS: Record<ColumnJobKind, typeof Lock> = { encryptColumn: Lock, reindexColumn: KeyRound, decryptColumn: LockOpen };

export function HeaderMenu(props: HeaderMenuProps) {
  const { at, close, layout, view, setView, mayEdit } = props;
  const [sizing, setSizing] = useState<{ column: Column; width: number } | null>(null);
  const col = at?.col ?? 0;
  const place = layout.columns[col];
  const column = place?.column;
  const jobs = column && props.admin ? jobsOn(column, props.types) : [];
  const start = (kind: ColumnAct) => column && props.start({ column, kind });
  const only = (direction: 'asc' | 'desc') =>
    column && setView({ ...view, sort: sortBy(view.sort.filter((key) => key.column === column.slug), column.slug, direction) });
  const addFilter = () => {
    const field = props.fields.find((one) => one.slug === column?.slug);
    if (!field) return;
    const group = view.filter && isGroup(view.filter) ? view.filter : emptyFilter();
    const rule = newRule(field, operatorsOf(props.types, field));
    setView({ ...view, filter: { ...group, filters: [...group.filters, rule] } });
    props.filterBy();
  };
  const remove = () => column && props.ask(deletion(props.address, column, props.removed));
  return (
    <>
      <MenuAtPoint at={column ? at : null} close={close} label={column ? text.grid.columnMenu(column.name) : ''}>
        {mayEdit && column && (
          <Menu.Item leftSection={<Pencil size={14} />} onClick={() => props.edit(column)}>
            {text.columns.edit}
          </Menu.Item>
        )}
        {column && !column.encrypted && !isRelated(column) && (
          <>
            <Menu.Item leftSection={<ArrowUpAZ size={14} />} onClick={() => only('asc')}>
              {text.sort.menuAsc}
            </Menu.Item>
            <Menu.Item leftSection={<ArrowDownAZ size={14} />} onClick={() => only('desc')}>
              {text.sort.menuDesc}
            </Menu.Item>
          </>
        )}
        {column && !isRelated(column) && (
          <Menu.Item leftSection={<Filter size={14} />} onClick={addFilter}>
            {text.filter.byThis}
          </Menu.Item>
        )}
        {column && groupable(column) && (
          <Menu.Item leftSection={<Rows3 size={14} />} onClick={() => setView(groupedBy(view, view.group?.column === column.slug ? null : column.slug))}>
            {view.group?.column === column.slug ? text.group.none_ : text.group.byThis}
          </Menu.Item>
        )}
        {column && hasValues(column) && (
          <Menu.Item leftSection={<ListTree size={14} />} onClick={() => start('values')}>
            {text.columns.values}
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={layout.frozen === col + 1 && col > 0 ? <PinOff size={14} /> : <Pin size={14} />}
          disabled={col === 0 && layout.frozen === 1}
          onClick={() => setView({ ...view, frozen: layout.frozen === col + 1 ? 1 : col + 1 })}
        >
          {layout.frozen === col + 1 ? text.columns.unfreeze : text.columns.freeze}
        </Menu.Item>
        {column && figuresOf(column).length > 0 && (
          <Menu.Sub>
            <Menu.Sub.Target>
              <Menu.Sub.Item leftSection={<Sigma size={14} />}>{text.figures.title}</Menu.Sub.Item>
            </Menu.Sub.Target>
            <Menu.Sub.Dropdown>
              <FigureItems column={column} view={view} setView={setView} />
            </Menu.Sub.Dropdown>
          </Menu.Sub>
        )}
        {mayEdit && (
          <>
            <Menu.Divider />
            <Menu.Item leftSection={<ArrowLeft size={14} />} disabled={col <= 1} onClick={() => props.move(col, col - 1)}>
              {text.columns.moveLeft}
            </Menu.Item>
            <Menu.Item
              leftSection={<ArrowRight size={14} />}
              disabled={col === 0 || col >= layout.columns.length - 1}
              onClick={() => props.move(col, col + 1)}
            >
              {text.columns.moveRight}
            </Menu.Item>
            <Menu.Item
              leftSection={<MoveHorizontal size={14} />}
              onClick={() => column && setSizing({ column, width: place?.width ?? 160 })}
            >
              {text.columns.width}
            </Menu.Item>
            <Menu.Item leftSection={<UnfoldHorizontal size={14} />} onClick={() => column && props.fit(column.id)}>
              {text.columns.fit}
            </Menu.Item>
            <Menu.Item leftSection={<EyeOff size={14} />} disabled={col === 0} onClick={() => column && props.hide(column)}>
              {text.columns.hide}
            </Menu.Item>
            {column && (jobs.length > 0 || mayChangeType(column) || mayMerge(column)) && <Menu.Divider />}
            {column && mayChangeType(column) && (
              <Menu.Item leftSection={<Shapes size={14} />} onClick={() => start('changeType')}>
                {text.columns.changeType}
              </Menu.Item>
            )}
            {column && mayMerge(column) && (
              <Menu.Item leftSection={<Merge size={14} />} onClick={() => start('mergeOptions')}>
                {text.columns.mergeOptions}
              </Menu.Item>
            )}
            {jobs.map((kind) => {
              const Icon = JOB_ICONS[kind];
              return (
                <Menu.Item key={kind} leftSection={<Icon size={14} />} onClick={() => start(kind)}>
                  {text.columns.jobs[kind]}
                </Menu.Item>
              );
            })}
            <Menu.Divider />
            <Menu.Item className="danger" leftSection={<Trash2 size={14} />} disabled={column?.isPrimary} onClick={remove}>
              {text.columns.delete}
            </Menu.Item>
          </>
        )}
      </MenuAtPoint>
      {sizing && (
        <Dialog
          size="xs"
          onClose={() => setSizing(null)}
          title={text.columns.widthOf(sizing.column.name)}
        >
          <form
            onSubmit={(event) => {
              event.preventDefault();
              props.resize(sizing.column.id, clampWidth(sizing.width), true);
              setSizing(null);
            }}
          >
            <NumberInput
              data-autofocus
              label={text.columns.widthPixels}
              min={MIN_WIDTH}
              max={MAX_WIDTH}
              value={sizing.width}
              onChange={(value) => setSizing({ ...sizing, width: Number(value) })}
            />
            <Group justify="flex-end" mt="md">
              <Button type="submit">{text.common.save}</Button>
            </Group>
          </form>
        </Dialog>
      )}
    </>
  );
}

export function CellMenu(props: {
  at: MenuAt | null;
  close: () => void;
  grid: GridModel;
  writer: GridWriter;
  mayEdit: boolean;
  open: () => void;
  offerRows: (rows: Data[]) => void;
}) {
  const { grid, writer } = props;
  const range = grid.range();
  const paste = async () => {
    try {
      const rows = await writer.paste(await navigator.clipboard.readText());
      if (rows.length > 0) props.offerRows(rows);
    } catch {
      showError(text.grid.pasteRefused);
    }
  };
  const remove = async () => {
    try {
      const records = await grid.pages.rows(range.top, range.bottom, new AbortController().signal);
      await writer.remove(records.map((record) => record.id));
    } catch (error) {
      showError(messageOf(error));
    }
  };
  return (
    <MenuAtPoint at={props.at} close={props.close} label={text.grid.cellMenu}>
      <Menu.Item leftSection={<Expand size={14} />} onClick={props.open}>
        {text.grid.openRecord}
      </Menu.Item>
      <Menu.Item leftSection={<ClipboardCopy size={14} />} onClick={() => void writer.copy()}>
        {text.grid.copy}
      </Menu.Item>
      {props.mayEdit && (
        <>
          <Menu.Item leftSection={<ClipboardPaste size={14} />} onClick={() => void paste()}>
            {text.grid.paste}
          </Menu.Item>
          <Menu.Item leftSection={<ArrowDownAZ size={14} />} onClick={() => void writer.fill('down')}>
            {text.grid.fillDown}
          </Menu.Item>
          <Menu.Item leftSection={<Eraser size={14} />} onClick={() => void writer.clear()}>
            {text.grid.clear}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item className="danger" leftSection={<Trash2 size={14} />} onClick={() => void remove()}>
            {text.grid.deleteRows(range.bottom - range.top + 1)}
          </Menu.Item>
        </>
      )}
    </MenuAtPoint>
  );
}
