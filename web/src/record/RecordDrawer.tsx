// One record as a form: new, to edit, or deleted and to restore. Never loses what was typed without asking.
import { ActionIcon, Button, Drawer, Group, Menu, Stack, Tabs, Text, Tooltip } from '@mantine/core';
import { ChevronDown, ChevronUp, Copy, Ellipsis, Link2, RotateCcw, Trash2 } from 'lucide-react';
import { Fragment, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { isHeld, mayDrop, seesPart } from '../access/rights';
import { records as api } from '../api/endpoints';
import { live } from '../api/live';
import { useNames } from '../api/queries';
import { ApiError } from '../api/http';
import { addressOf, recordPath } from '../api/places';
import type { Column, Data, Rec, Table } from '../api/wire';
import { FieldInput } from '../fields/FieldInput';
import { nameOf } from '../fields/links';
import { isPreviewing } from '../files/around';
import { describedIn } from '../files/facts';
import { displayText, editable, kindOfColumn, parseText, sameValue, valueText } from '../fields/registry';
import { useMe } from '../shell/Shell';
import { text } from '../text/en';
import { copy } from '../ui/copy';
import { useFocusBack } from '../ui/focus';
import { AskLeave } from '../ui/leaving';
import { NotForYou } from '../ui/NotForYou';
import { Failure, Loading, messageOf, Problem } from '../ui/states';
import { when } from '../ui/time';
import { show, showError } from '../ui/toast';
import { RecordHistory } from './RecordHistory';
import { RevealCell } from './RevealCell';

interface DrawerProps {
  table: Table;
  columns: Column[];
  recordId?: string;
  seed?: Rec;
  mayEdit: boolean;
  close: () => void;
  saved: (record: Rec, created: boolean) => void;
  /** Shows a record that was made: it may stand far from where one looks. */
  open: (record: Rec) => void;
  removed: () => void;
  step?: (by: -1 | 1) => void;
}

/** Keys that go through the records of the view. */
const STEPS: Record<string, 1 | -1 | undefined> = { j: 1, k: -1 };

const inputId = (slug: string) => `field-${slug}`;

export function RecordDrawer(props: DrawerProps) {
  const { table, recordId, seed } = props;
  const [record, setRecord] = useState<Rec | undefined>(seed);
  const [error, setError] = useState<unknown>(null);
  const [asked, setAsked] = useState(0);
  const [tab, setTab] = useState<string | null>('record');
  const dirty = useRef(false);
  const part = seesPart(table);
  const [shownId, setShownId] = useState(recordId);
  if (shownId !== recordId) {
    // Another record in the same drawer: its tab stays, all else begins anew.
    setShownId(recordId);
    setRecord(seed);
    setError(null);
  }
  useFocusBack();
  const [leaving, setLeaving] = useState<(() => void) | null>(null);
  useEffect(() => {
    if (!recordId) return;
    let stale = false;
    setError(null);
    api.get(addressOf(table), recordId).then(
      (fresh) => {
        if (!stale && !dirty.current) setRecord(fresh);
      },
      (cause: unknown) => {
        if (!stale) setError(cause);
      },
    );
    return () => {
      stale = true;
    };
  }, [addressOf(table), recordId, asked]);
  useEffect(() => {
    if (!recordId || part) return;
    return live.watch(table, (event) => {
      const here = event === null || event.key === undefined || String(event.key) === recordId;
      // What is being typed is not taken away: saving it will say that somebody was faster.
      if (here && !dirty.current) setAsked((old) => old + 1);
    });
  }, [addressOf(table), recordId, part]);
  const guard = (go: () => void) => {
    // After this event: the Escape that asked must not also answer.
    if (dirty.current) setTimeout(() => setLeaving(() => go));
    else go();
  };
  const title = record ? nameOf({ ...table, columns: props.columns }, record) : recordId ? text.record.loading : text.record.newTitle(table.name);
  const gone = error instanceof ApiError && error.status === 410;
  return (
    <>
      <Drawer
        opened
        onClose={() => !isPreviewing() && guard(props.close)}
        onKeyDown={(event) => {
          const by = STEPS[event.key.toLowerCase()];
          const typing = (event.target as HTMLElement).closest('input, textarea, select, [role=menu]');
          if (!by || !props.step || typing || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          guard(() => props.step?.(by));
        }}
        position="right"
        size="lg"
        title={
          <span className="drawer-title">
            <span className="cut">{title}</span>
            {record && <RecordTools {...props} record={record} guard={guard} />}
          </span>
        }
        overlayProps={{ backgroundOpacity: 0.25 }}
      >
        {gone && recordId ? (
          <Deleted {...props} recordId={recordId} error={error} restored={() => setAsked(asked + 1)} />
        ) : error && !record ? (
          <Failure error={error} retry={() => setAsked(asked + 1)} />
        ) : recordId && !record ? (
          <Loading rows={8} height={44} />
        ) : (
          <RecordTabs
            tab={tab}
            setTab={setTab}
            {...props}
            record={record}
            restored={(next) => {
              dirty.current = false;
              setRecord(next);
              props.saved(next, false);
            }}
          >
            <RecordForm
              key={record ? `${record.id} ${record.version}` : 'new'}
              {...props}
              record={record}
              setDirty={(value) => {
                dirty.current = value;
              }}
              saved={(next, created, another) => {
                dirty.current = false;
                props.saved(next, created);
                const openIt = () => {
                  // What is being typed in another one is not taken away.
                  if (!document.querySelector('[role=dialog]')) props.open(next);
                };
                show(created ? text.record.created : text.record.saved, created && !another ? { label: text.record.openCreated, run: openIt } : undefined);
                if (!another) props.close();
              }}
              reload={() => {
                dirty.current = false;
                setAsked(asked + 1);
              }}
              cancel={() => guard(props.close)}
            />
          </RecordTabs>
        )}
      </Drawer>
      <AskLeave
        go={leaving}
        stay={() => setLeaving(null)}
        leaving={() => {
          dirty.current = false;
        }}
      />
    </>
  );
}

interface TabsProps extends DrawerProps {
  tab: string | null;
  setTab: (tab: string | null) => void;
  record?: Rec;
  restored: (record: Rec) => void;
  children: ReactNode;
}

/** The form and the history of a record. A new one has no history yet; some tables show none. */
function RecordTabs({ tab, setTab, record, children, ...props }: TabsProps) {
  const part = seesPart(props.table);
  if (!record || props.table.settings.enableRevisions === false) return children;
  return (
    <Tabs value={tab} onChange={setTab}>
      <Tabs.List mb="md">
        <Tabs.Tab value="record">{text.history.record}</Tabs.Tab>
        <Tabs.Tab value="history">{text.history.history}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="record">{children}</Tabs.Panel>
      <Tabs.Panel value="history">{tab === 'history' && (part ? <NotForYou part /> : <RecordHistory {...props} record={record} />)}</Tabs.Panel>
    </Tabs>
  );
}

function RecordTools({ record, table, columns, mayEdit, step, guard, removed, close }: DrawerProps & { record: Rec; guard: (go: () => void) => void }) {
  const remove = async () => {
    try {
      await api.remove(addressOf(table), record.id, record.version);
      show(text.record.deleted, {
        label: text.common.undo,
        run: () => {
          api.restore(addressOf(table), record.id).then(removed, (error: unknown) => showError(messageOf(error)));
        },
      });
      removed();
      close();
    } catch (error) {
      showError(messageOf(error));
    }
  };
  const copyLink = () => {
    const link = `${location.origin}${recordPath(table, record.id)}`;
    copy(link, text.record.linkCopied);
  };
  const copyJson = () => {
    const data = Object.fromEntries(columns.map((column) => [column.slug, record.data[column.slug] ?? null]));
    copy(JSON.stringify(data, null, 2), text.record.jsonCopied);
  };
  return (
    <span className="drawer-tools">
      {step && (
        <>
          <Tooltip label={text.record.previous}>
            <ActionIcon variant="subtle" color="gray" aria-label={text.record.previous} onClick={() => guard(() => step(-1))}>
              <ChevronUp size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={text.record.next}>
            <ActionIcon variant="subtle" color="gray" aria-label={text.record.next} onClick={() => guard(() => step(1))}>
              <ChevronDown size={16} />
            </ActionIcon>
          </Tooltip>
        </>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={text.record.more}>
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Link2 size={14} />} onClick={copyLink}>
            {text.record.copyLink}
          </Menu.Item>
          <Menu.Item leftSection={<Copy size={14} />} onClick={copyJson}>
            {text.record.copyJson}
          </Menu.Item>
          {mayEdit && (
            <Menu.Item className="danger" leftSection={<Trash2 size={14} />} onClick={() => void remove()}>
              {text.record.delete}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
    </span>
  );
}

function Deleted(props: DrawerProps & { recordId: string; error: unknown; restored: () => void }) {
  const [busy, setBusy] = useState(false);
  const restore = async () => {
    setBusy(true);
    try {
      await api.restore(addressOf(props.table), props.recordId);
      props.removed();
      props.restored();
      show(text.record.restored);
    } catch (error) {
      showError(messageOf(error));
    }
    setBusy(false);
  };
  return (
    <div className="banner" role="status">
      <Trash2 size={18} aria-hidden />
      <span>{text.record.inTrash}</span>
      {props.mayEdit && (
        <Button loading={busy} leftSection={<RotateCcw size={14} />} onClick={() => void restore()}>
          {text.record.restore}
        </Button>
      )}
    </div>
  );
}

interface FormProps extends Omit<DrawerProps, 'saved'> {
  record?: Rec;
  setDirty: (dirty: boolean) => void;
  saved: (record: Rec, created: boolean, another: boolean) => void;
  reload: () => void;
  cancel: () => void;
}

function initialValues(columns: Column[], record: Rec | undefined): Data {
  const values: Data = {};
  for (const column of columns) {
    const value = record ? record.data[column.slug] : column.defaultValue;
    const named = !record && typeof value === 'object' && value !== null && 'function' in value;
    values[column.slug] = named ? null : (value ?? null);
  }
  return values;
}

function RecordForm({ table, columns, record, mayEdit, setDirty, saved, reload, cancel }: FormProps) {
  const reveals = mayDrop(table);
  const start = useMemo(() => initialValues(columns, record), [columns, record]);
  const [values, setValues] = useState<Data>(start);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const [sending, setSending] = useState<Record<string, number>>({});
  const coming = Object.values(sending).reduce((sum, count) => sum + count, 0);
  const dirty = coming > 0 || columns.some((column) => !sameText(values[column.slug], start[column.slug], column));
  useEffect(() => setDirty(dirty), [dirty, setDirty]);
  useEffect(() => {
    if (!dirty) return;
    const stop = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', stop);
    return () => window.removeEventListener('beforeunload', stop);
  }, [dirty]);

  const firstInput = () => form.current?.querySelector<HTMLElement>('input:not([type=file]), textarea');
  useEffect(() => {
    if (record) return;
    // The kit gives the focus to the button that closes, a moment later, unless something is marked.
    firstInput()?.setAttribute('data-autofocus', '');
    firstInput()?.focus();
  }, [record]);
  const fail = (found: Record<string, string>) => {
    setErrors(found);
    const first = columns.find((column) => found[column.slug]);
    if (first) document.getElementById(inputId(first.slug))?.focus();
  };
  const collect = (): Data | null => {
    const data: Data = {};
    const found: Record<string, string> = {};
    for (const column of columns) {
      if (!editable(column)) continue;
      const raw = values[column.slug];
      const parsed = typeof raw === 'string' ? parseText(raw, column) : ({ ok: true, value: raw ?? null } as const);
      if (!parsed.ok) found[column.slug] = parsed.message;
      else if (record ? !sameValue(parsed.value, record.data[column.slug]) : parsed.value !== null) {
        data[column.slug] = parsed.value;
      }
    }
    if (Object.keys(found).length > 0) {
      fail(found);
      return null;
    }
    return data;
  };
  const submit = async (another: boolean) => {
    const data = coming > 0 ? null : collect();
    if (!data) return;
    setBusy(true);
    setError(null);
    setErrors({});
    try {
      const result = record
        ? await api.update(addressOf(table), record.id, data, record.version)
        : await api.create(addressOf(table), data);
      saved(result, !record, another);
      if (another) {
        setValues(initialValues(columns, undefined));
        firstInput()?.focus();
      }
    } catch (cause) {
      setError(cause);
      if (cause instanceof ApiError) {
        fail(Object.fromEntries(cause.issues.map((issue) => [(issue.field ?? '').split(/[.[]/)[0] ?? '', issue.message])));
      }
    }
    setBusy(false);
  };
  const conflict = error instanceof ApiError && error.status === 412;
  const unplaced = error && !conflict && Object.keys(errors).length === 0;
  const summary = columns.filter((column) => errors[column.slug]);
  return (
    <form
      ref={form}
      className="record-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit(false);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          void submit(false);
        }
      }}
    >
      {summary.length > 0 && (
        <div className="problem" role="alert">
          <div>
            {text.record.fix(summary.length)}
            {summary.map((column) => (
              <div key={column.id}>
                <a
                  href={`#${inputId(column.slug)}`}
                  onClick={(event) => {
                    event.preventDefault();
                    document.getElementById(inputId(column.slug))?.focus();
                  }}
                >
                  {column.name}
                </a>
              </div>
            ))}
          </div>
        </div>
      )}
      {conflict && (
        <div className="problem" role="alert">
          <div>
            {text.record.conflict}
            <div>
              <Button mt={6} variant="default" onClick={reload}>
                {text.record.takeTheirs}
              </Button>
            </div>
          </div>
        </div>
      )}
      <Stack gap="md">
        {columns.map((column) => (
          <Fragment key={column.id}>
          <FieldInput
            id={inputId(column.slug)}
            column={column}
            value={
              kindOfColumn(column).editor === 'none'
                ? displayText(values[column.slug], column, record?.data._display?.[column.slug])
                : values[column.slug]
            }
            readOnly={!mayEdit || !editable(column)}
            error={errors[column.slug]}
            described={describedIn(record, column)}
            sending={(count) => setSending((old) => ({ ...old, [column.slug]: count }))}
            change={(value) => {
              setValues((old) => ({ ...old, [column.slug]: value }));
              setErrors(({ [column.slug]: _gone, ...rest }) => rest);
            }}
          />
          {reveals && column.encrypted && record && record.data[column.slug] != null && (
            <RevealCell table={table} column={column} record={record} />
          )}
          </Fragment>
        ))}
      </Stack>
      {unplaced ? <Problem error={error} /> : null}
      {record && <Facts record={record} />}
      {mayEdit && (
        <div className="form-foot">
          <Text size="xs" c="dimmed" className="form-hint">
            {coming > 0 ? text.files.coming(coming) : text.record.saveHint}
          </Text>
          <Group gap="xs">
            <Button variant="default" onClick={cancel}>
              {text.common.cancel}
            </Button>
            {!record && (
              <Button variant="default" loading={busy} disabled={coming > 0} onClick={() => void submit(true)}>
                {text.record.saveAndNew}
              </Button>
            )}
            <Button type="submit" loading={busy} disabled={coming > 0 || (record !== undefined && !dirty)}>
              {text.common.save}
            </Button>
          </Group>
        </div>
      )}
    </form>
  );
}

const sameText = (a: unknown, b: unknown, column: Column) =>
  sameValue(a, b) || (typeof a === 'string' && a === valueText(b, column));

function Facts({ record }: { record: Rec }) {
  const source = record.metadata?.source;
  const externalId = record.metadata?.externalId;
  const importRow = record.metadata?.importRow;
  const importId = record.metadata?.importId;
  const held = isHeld(useMe());
  const nameOf = useNames();
  const facts: [string, ReactNode][] = [
    [text.record.id, record.id],
    [text.record.version, String(record.version)],
    [text.system.createdAt, when(record.createdAt)],
    [text.system.updatedAt, when(record.updatedAt)],
  ];
  if (record.createdBy) facts.push([text.record.createdBy, nameOf(record.createdBy)]);
  if (record.updatedBy) facts.push([text.record.updatedBy, nameOf(record.updatedBy)]);
  if (record.expiresAt) facts.push([text.record.expires, when(record.expiresAt)]);
  if (typeof source === 'string') facts.push([text.record.source, source]);
  if (typeof externalId === 'string') facts.push([text.record.externalId, externalId]);
  if (typeof importId === 'string') {
    // In another tab, so that nothing that was typed here is lost.
    facts.push([
      text.record.importId,
      held ? (
        importId
      ) : (
        <a href={`/imports/${encodeURIComponent(importId)}`} target="_blank" rel="noopener">
          {importId}
          <span className="visually-hidden"> {text.shell.newTab}</span>
        </a>
      ),
    ]);
  }
  if (typeof importRow === 'number') facts.push([text.record.importRow, String(importRow)]);
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
