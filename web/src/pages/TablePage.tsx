// One table as a grid: toolbar, rows, and the dialogs that belong to them.
import { Button, Group } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Columns3, FileUp, FilterX, Inbox, Plus, SearchCheck } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { HeldNotice } from '../access/HeldNotice';
import { asGranted, isHeld, mayImport, mayShape, mayWrite, seesPart } from '../access/rights';
import { columns as columnApi } from '../api/endpoints';
import { ApiError } from '../api/http';
import { addressOf, recordPath, tablePath } from '../api/places';
import { mayAdminister, useFieldTypes, usePatchColumns, useRefreshTable, useTable, useTableStats } from '../api/queries';
import type { Column, Data, Rec, Table } from '../api/wire';
import { ColumnJobDialog, type AskedJob } from '../columns/ColumnJobDialog';
import { ColumnModal } from '../columns/ColumnModal';
import { effective, filterable, ruleCount } from '../filter/model';
import { BulkBar } from '../grid/BulkBar';
import { useCellFiles } from '../grid/cellFiles';
import { useFigures } from '../grid/figures';
import { fittingWidth } from '../grid/fit';
import { layoutOf } from '../grid/geometry';
import { Grid } from '../grid/Grid';
import { CellMenu, FigureMenu, HeaderMenu, type MenuAt } from '../grid/menus';
import { byLikeness, GridModel, type View } from '../grid/model';
import { followOthers } from '../grid/others';
import { ConflictDialog, OfferRows, ReportDialog } from '../grid/dialogs';
import { Toolbar, type Panel } from '../grid/Toolbar';
import { useSealing } from '../grid/sealing';
import { readView, sameRows, viewWithout, writeView } from '../grid/viewUrl';
import { GridWriter } from '../grid/writer';
import { sameValue } from '../fields/registry';
import { RecordDrawer } from '../record/RecordDrawer';
import { Crumbs, useMe } from '../shell/Shell';
import { useReach } from '../shell/Connection';
import { text } from '../text/en';
import { Confirm, type Question } from '../ui/confirm';
import { Empty, Failure, Loading, ToTables, messageOf } from '../ui/states';
import { showError } from '../ui/toast';

const REFRESH_AFTER_MS = 20_000;
const QUERY_AFTER_MS = 250;

export function TablePage({ table, record }: { table: string; record?: string }) {
  const query = useTable(table);
  if (query.isPending) return <Loading rows={14} />;
  if (query.isError) {
    return (
      <>
        <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: table }]} />
        <Failure alone error={query.error} retry={() => void query.refetch()} wayOn={<ToTables />} />
      </>
    );
  }
  return <TableGrid table={query.data} record={record} />;
}

const byOrder = (a: Column, b: Column) => (a.orderIndex ?? 0) - (b.orderIndex ?? 0);

function useGrid(table: Table) {
  const [pair] = useState(() => {
    const grid = new GridModel(table);
    return { grid, writer: new GridWriter(grid) };
  });
  useSyncExternalStore(pair.grid.subscribe, pair.grid.getVersion);
  return pair;
}

function TableGrid({ table, record }: { table: Table; record?: string }) {
  const address = addressOf(table);
  const me = useMe();
  const online = useReach() === 'online';
  const editor = mayWrite(table) && online;
  const shaper = mayShape(table) && online;
  const importer = mayImport(me, table) && online;
  const part = seesPart(table);
  const types = useFieldTypes();
  const [stats] = useTableStats([address]);
  const { grid, writer } = useGrid(table);
  const [, navigate] = useLocation();
  const search = useSearch();
  const patchColumns = usePatchColumns(address);
  const refreshTable = useRefreshTable(address);
  const [view, setViewState] = useState<View>(() => readView(search));
  const [widths, setWidths] = useState<ReadonlyMap<string, number>>(new Map());
  const [panel, setPanel] = useState<Panel>(null);
  const [headerMenu, setHeaderMenu] = useState<(MenuAt & { col: number }) | null>(null);
  const [figureMenu, setFigureMenu] = useState<(MenuAt & { col: number }) | null>(null);
  const [cellMenu, setCellMenu] = useState<MenuAt | null>(null);
  const [column, setColumn] = useState<Column | 'new' | null>(null);
  const [asked, setAsked] = useState<AskedJob | null>(null);
  const [creating, setCreating] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const [surplus, setSurplus] = useState<Data[] | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);

  const all = useMemo(() => asGranted(table, [...(table.columns ?? [])].sort(byOrder)), [table]);
  const visible = useMemo(() => {
    const shown = all.filter((one) => one.isVisible !== false);
    const primary = shown.find((one) => one.isPrimary);
    return primary ? [primary, ...shown.filter((one) => one !== primary)] : shown;
  }, [all]);
  const layout = useMemo(() => layoutOf(visible, widths, editor, view.frozen ?? 1), [visible, widths, editor, view.frozen]);
  const fields = useMemo(() => filterable(all), [all]);

  const run = useCallback(
    (next: View) => {
      const filter = effective(next.filter);
      grid.show({ ...next, filter }, filter || next.search ? undefined : stats?.data?.records);
    },
    [grid, stats?.data?.records],
  );
  const latest = useRef(view);
  const runLater = useDebouncedCallback(() => {
    run(latest.current);
    navigate(`${location.pathname}${writeView(latest.current, all)}`, { replace: true });
  }, QUERY_AFTER_MS);
  const setView = (next: View) => {
    latest.current = next;
    setViewState(next);
    if (!sameRows(view, next)) return runLater();
    grid.look({ ...next, filter: grid.view.filter });
    navigate(`${location.pathname}${writeView(next, all)}`, { replace: true });
  };
  const started = useRef(false);
  useEffect(() => {
    if (started.current) return;
    started.current = true;
    run(view);
  }, [run, view]);
  useEffect(() => {
    const onVisible = () => {
      if (document.visibilityState === 'visible') grid.refreshIfOlder(REFRESH_AFTER_MS);
    };
    document.addEventListener('visibilitychange', onVisible);
    return () => document.removeEventListener('visibilitychange', onVisible);
  }, [grid]);

  useEffect(() => {
    // Nobody is told live of a table they see a part of: it is read again now and then.
    if (!part) return followOthers(grid);
    const timer = setInterval(() => document.visibilityState === 'visible' && grid.refreshIfOlder(REFRESH_AFTER_MS), REFRESH_AFTER_MS);
    return () => clearInterval(timer);
  }, [grid, part]);

  const files = useCellFiles(grid, writer, editor, !isHeld(me));
  const figures = useFigures(grid, view, all);
  useEffect(() => {
    if (figures.error) showError(messageOf(figures.error));
  }, [figures.error]);

  useSealing(all, (unfit) => {
    grid.history.clear();
    const next = viewWithout(view, unfit);
    if (sameValue(next, view)) return grid.refresh();
    latest.current = next;
    setViewState(next);
    run(next);
    navigate(`${location.pathname}${writeView(next, all)}`, { replace: true });
  });

  const saveColumn = async (one: Column, input: Parameters<typeof columnApi.update>[2]) => {
    patchColumns((old) => old.map((c) => (c.id === one.id ? ({ ...c, ...input } as Column) : c)));
    try {
      await columnApi.update(address, one.id, input);
    } catch (error) {
      showError(messageOf(error));
    }
    await refreshTable();
  };
  const resize = (id: string, width: number, done: boolean) => {
    setWidths((old) => new Map(old).set(id, width));
    const one = all.find((c) => c.id === id);
    if (done && one && one.width !== width) void saveColumn(one, { width });
  };
  const fit = (id: string) => {
    const one = all.find((c) => c.id === id);
    if (one) resize(id, fittingWidth(one, grid), true);
  };
  const reorder = async (ids: string[]) => {
    patchColumns((old) =>
      old.map((c) => ({ ...c, orderIndex: ids.indexOf(c.id) >= 0 ? ids.indexOf(c.id) : c.orderIndex })),
    );
    try {
      await columnApi.reorder(address, ids);
    } catch (error) {
      showError(messageOf(error));
    }
    await refreshTable();
  };
  const move = (from: number, to: number) => {
    const moved = visible[from];
    const target = visible[to];
    if (!moved || !target) return;
    const ids = all.map((c) => c.id).filter((id) => id !== moved.id);
    ids.splice(ids.indexOf(target.id) + (to > from ? 1 : 0), 0, moved.id);
    grid.moveTo(grid.active.row, to);
    grid.announce(text.grid.moved(moved.name, to + 1));
    void reorder(ids);
  };
  const open = (rec: Rec | undefined) => {
    if (rec) navigate(`${recordPath(table, rec.id)}${writeView(view, all)}`);
  };
  const close = () => {
    navigate(`${tablePath(table)}${writeView(view, all)}`);
    setCreating(false);
  };
  const current = record ? decodeURIComponent(record) : undefined;
  const rowOf = current === undefined ? undefined : grid.pages.rowOf(current);
  const filtered = ruleCount(view.filter) > 0 || view.search !== '';
  return (
    <div className="table-page">
      <Crumbs trail={[{ label: text.nav.tables, to: '/' }, { label: table.name }]} />
      <h1 className="visually-hidden">{table.name}</h1>
      <Toolbar
        table={table}
        grid={grid}
        columns={all}
        fields={fields}
        types={types.data}
        view={view}
        setView={setView}
        panel={panel}
        setPanel={setPanel}
        searchBox={searchBox}
        mayEdit={editor}
        mayShape={shaper}
        mayImport={importer}
        part={part}
        newRecord={() => setCreating(true)}
        travel={(way) => void writer[way]()}
        addColumn={() => setColumn('new')}
        saveColumn={(one, input) => void saveColumn(one, input)}
        reorder={(ids) => void reorder(ids)}
      />
      {!online && <div className="notice">{text.errors.readOnlyOffline}</div>}
      <HeldNotice table={table} columns={all} />
      <Body
        grid={grid}
        filtered={filtered}
        hasColumns={visible.length > 0}
        editor={editor}
        shaper={shaper}
        importer={importer}
        table={table}
        clear={() => setView({ ...view, filter: undefined, search: '', alike: undefined })}
        view={view}
        searchAlike={() => {
          setView({ ...view, alike: true });
          // The button goes with the answer.
          searchBox.current?.focus();
        }}
        newRecord={() => setCreating(true)}
        addColumn={() => setColumn('new')}
      >
        <Grid
          grid={grid}
          writer={writer}
          layout={layout}
          name={table.name}
          sort={view.sort}
          mayEdit={editor}
          mayShape={shaper}
          files={files}
          resize={resize}
          fit={fit}
          groupColumn={view.group && grid.groups.length > 0 ? fields.find((one) => one.slug === view.group?.column) : undefined}
          figures={figures.figures}
          openFigureMenu={(col, at) => setFigureMenu({ ...at, col })}
          move={move}
          openHeaderMenu={(col, at) => setHeaderMenu({ ...at, col })}
          openCellMenu={setCellMenu}
          openRecord={(row) => open(grid.pages.record(row))}
          newRecord={() => setCreating(true)}
          addColumn={() => setColumn('new')}
          openFilter={() => setPanel('filter')}
          openSort={() => setPanel('sort')}
          openGroup={() => setPanel('group')}
          search={() => searchBox.current?.focus()}
          offerRows={setSurplus}
        />
      </Body>
      <div className="visually-hidden" aria-live="polite">
        {grid.announcement}
      </div>
      <BulkBar grid={grid} writer={writer} columns={all} mayEdit={editor} ask={setQuestion} view={view} table={table} />
      <HeaderMenu
        at={headerMenu}
        close={() => setHeaderMenu(null)}
        layout={layout}
        view={view}
        setView={setView}
        mayEdit={shaper}
        admin={mayAdminister(me)}
        start={setAsked}
        move={move}
        resize={resize}
        fit={fit}
        hide={(one) => void saveColumn(one, { isVisible: false })}
        edit={setColumn}
        filterBy={() => setPanel('filter')}
        fields={fields}
        types={types.data}
        ask={setQuestion}
        removed={refreshTable}
        address={address}
      />
      <FigureMenu at={figureMenu} close={() => setFigureMenu(null)} layout={layout} view={view} setView={setView} />
      <CellMenu
        at={cellMenu}
        close={() => setCellMenu(null)}
        grid={grid}
        writer={writer}
        mayEdit={editor}
        open={() => open(grid.activeRecord())}
        offerRows={setSurplus}
      />
      {files.dialogs}
      <ConflictDialog grid={grid} writer={writer} />
      <ReportDialog grid={grid} columns={all} />
      <OfferRows rows={surplus} close={() => setSurplus(null)} writer={writer} />
      <Confirm question={question} close={() => setQuestion(null)} />
      <ColumnJobDialog
        table={table}
        asked={asked}
        close={() => setAsked(null)}
        filter={(rule) => {
          setAsked(null);
          setView({ ...view, filter: { operator: 'and', filters: [rule] }, search: '' });
        }}
      />
      {column && (
        <ColumnModal
          table={table}
          column={column === 'new' ? undefined : column}
          close={() => setColumn(null)}
          saved={() => {
            setColumn(null);
            void refreshTable();
            grid.refresh();
          }}
          start={(kind) => {
            if (column !== 'new') setAsked({ column, kind });
            setColumn(null);
          }}
        />
      )}
      {(creating || current !== undefined) && (
        <RecordDrawer
          key={creating ? 'new' : 'record'}
          table={table}
          columns={all}
          recordId={creating ? undefined : current}
          seed={rowOf === undefined ? undefined : grid.pages.record(rowOf)}
          mayEdit={editor}
          close={close}
          open={open}
          saved={(saved, created) => {
            grid.pages.replace(saved);
            if (created) {
              writer.created([saved.id], text.undo.add(1));
              grid.refresh();
            }
            grid.emit();
          }}
          removed={() => grid.refresh()}
          step={
            rowOf === undefined
              ? undefined
              : (by) => {
                  const next = grid.pages.record(rowOf + by);
                  if (next) {
                    grid.moveTo(rowOf + by, grid.active.col);
                    open(next);
                  }
                }
          }
        />
      )}
    </div>
  );
}

function Body(props: {
  grid: GridModel;
  filtered: boolean;
  hasColumns: boolean;
  editor: boolean;
  shaper: boolean;
  importer: boolean;
  table: Table;
  clear: () => void;
  view: View;
  searchAlike: () => void;
  newRecord: () => void;
  addColumn: () => void;
  children: React.ReactNode;
}) {
  const { grid } = props;
  if (!props.hasColumns) {
    return (
      <Empty icon={<Columns3 size={28} />} title={text.grid.noColumns} body={text.grid.noColumnsBody}>
        {props.shaper && (
          <Button leftSection={<Plus size={14} />} onClick={props.addColumn}>
            {text.columns.add}
          </Button>
        )}
      </Empty>
    );
  }
  if (grid.error && grid.pages.empty) {
    const filterIsWrong = grid.error instanceof ApiError && grid.error.status === 422 && props.filtered;
    return (
      <div>
        <Failure error={grid.error} retry={filterIsWrong ? undefined : () => grid.show(grid.view)} />
        {filterIsWrong && (
          <div className="center">
            <Button variant="default" onClick={props.clear}>
              {text.grid.clearFilters}
            </Button>
          </div>
        )}
      </div>
    );
  }
  if (!grid.loaded && grid.rowCount.rows === 0) return <Loading rows={14} />;
  if (grid.loaded && grid.rowCount.rows === 0) {
    return props.filtered ? (
      <NoMatch {...props} />
    ) : (
      <Empty icon={<Inbox size={28} />} title={text.grid.noRecords} body={!props.editor ? undefined : props.importer ? text.grid.noRecordsBody : text.grid.noRecordsTyped}>
        {props.editor && (
          <>
            <Button leftSection={<Plus size={14} />} onClick={props.newRecord}>
              {text.grid.newRecord}
            </Button>
            {props.importer && (
              <Button component={Link} to={`${tablePath(props.table)}/import`} variant="default" leftSection={<FileUp size={14} />}>
                {text.imports.title}
              </Button>
            )}
          </>
        )}
      </Empty>
    );
  }
  return (
    <>
      {grid.error ? (
        <div className="notice" role="alert">
          {messageOf(grid.error)}{' '}
          <Button size="compact-xs" variant="default" onClick={() => grid.refresh()}>
            {text.common.retry}
          </Button>
        </div>
      ) : null}
      {props.children}
    </>
  );
}

/** Nothing was found: what is merely alike may be there. */
function NoMatch({ view, searchAlike, clear }: { view: View; searchAlike: () => void; clear: () => void }) {
  const exact = view.search.trim() !== '' && !byLikeness(view);
  const filtered = ruleCount(view.filter) > 0;
  const body = view.search.trim() === '' ? text.grid.noMatchBody : (exact ? text.grid.noneExact : text.grid.noneAlike)(filtered);
  return (
    <Empty icon={<FilterX size={28} />} title={text.grid.noMatch} body={body}>
      <Group gap="xs" justify="center">
        {exact && (
          <Button leftSection={<SearchCheck size={14} />} onClick={searchAlike}>
            {text.grid.searchAlike}
          </Button>
        )}
        <Button variant="default" onClick={clear}>
          {text.grid.clearFilters}
        </Button>
      </Group>
    </Empty>
  );
}
