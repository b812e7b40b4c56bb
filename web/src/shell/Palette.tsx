// Go to anything: pages, tables, and records of the table that is open, by a few letters. Changes nothing.
import { Kbd } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import {
  Boxes, ClipboardList, Columns3, Copy, CornerDownLeft, FileText, FileUp, Gauge, History, KeyRound, Keyboard, ListChecks, Plus, Search, Settings, Table2, Trash2, Users,
  Vault, Webhook, type LucideIcon,
} from 'lucide-react';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { isHeld, mayImport, seesPart, useMayMakeTables } from '../access/rights';
import { records as api } from '../api/endpoints';
import { recordPath, tablePath, useWorkspace } from '../api/places';
import { mayAdminister, useTable, useTablesOf, useWorkspaces } from '../api/queries';
import type { Session, Table } from '../api/wire';
import { displayText } from '../fields/registry';
import { text } from '../text/en';
import { Dialog } from '../ui/Dialog';
import { TABLE_ICONS } from '../ui/TableMark';
import { tableIn } from './here';

const RECORDS_MAX = 8;
const SHOWN_MAX = 40;
const SEARCH_FROM = 2;
const REST_MS = 180;

interface Goal {
  kind: 'page' | 'table' | 'record';
  label: string;
  to: string;
  icon: LucideIcon;
  /** The workspace, where there are several. */
  place?: string;
}

function pagesOf(session: Session, mayMake: boolean, table: Table | undefined): Goal[] {
  const page = (label: string, to: string, icon: LucideIcon): Goal => ({ kind: 'page', label, to, icon });
  const here = table && [
    page(`${table.name}: ${text.columns.title}`, `${tablePath(table)}/columns`, Columns3),
    ...(mayImport(session, table) ? [page(`${table.name}: ${text.imports.title}`, `${tablePath(table)}/import`, FileUp)] : []),
    ...(seesPart(table)
      ? []
      : [
          page(`${table.name}: ${text.nav.duplicates}`, `${tablePath(table)}/duplicates`, Copy),
          page(`${table.name}: ${text.nav.forms}`, `${tablePath(table)}/forms`, ClipboardList),
        ]),
    page(`${table.name}: ${text.nav.trash}`, `${tablePath(table)}/trash`, Trash2),
  ];
  return [
    page(text.nav.tables, '/', Table2),
    ...(mayMake ? [page(text.nav.newTable, '/new', Plus)] : []),
    ...(here ?? []),
    page(text.nav.vault, '/vault', Vault),
    ...(isHeld(session) ? [] : [page(text.nav.activity, '/activity', History), page(text.nav.jobs, '/jobs', ListChecks)]),
    page(text.nav.trash, '/trash', Trash2),
    ...(mayAdminister(session)
      ? [
          page(text.nav.users, '/users', Users),
          page(text.nav.apiKeys, '/keys', KeyRound),
          page(text.nav.webhooks, '/webhooks', Webhook),
          page(text.palette.workspaces, '/settings/workspaces', Boxes),
          page(text.palette.load, '/settings/metrics', Gauge),
          page(text.palette.backup, '/settings/backup', FileText),
        ]
      : []),
    page(text.nav.settings, '/settings', Settings),
    page(text.help.title, '/settings/keyboard', Keyboard),
  ];
}

/** The records of the open table that hold the words, by name. */
function useRecordsFound(table: Table | undefined, words: string): { goals: Goal[]; searching: boolean } {
  const [wanted] = useDebouncedValue(words.trim(), REST_MS);
  const enabled = table !== undefined && wanted.length >= SEARCH_FROM;
  const found = useQuery({
    queryKey: ['palette', table?.id, wanted],
    queryFn: ({ signal }) =>
      api.query(
        table?.id ?? '',
        { search: { query: wanted }, pagination: { type: 'offset', offset: 0, limit: RECORDS_MAX }, includeDisplay: true, count: 'none' },
        signal,
      ),
    enabled,
    retry: false,
    gcTime: 0,
  });
  const primary = table?.columns?.find((column) => column.isPrimary) ?? table?.columns?.[0];
  const goals = (enabled ? (found.data?.records ?? []) : []).map((record): Goal => {
    const name = primary && displayText(record.data[primary.slug], primary, record.data._display?.[primary.slug]);
    return { kind: 'record', label: name || text.record.unnamed, to: table ? recordPath(table, record.id) : '/', icon: FileText };
  });
  return { goals, searching: enabled && found.isFetching };
}

/** The tables of all workspaces, those of the shown one first, and how the others' workspaces are called. */
function useTablesEverywhere(here: string): { table: Table; place?: string }[] {
  const places = useWorkspaces().data ?? [];
  const ordered = [...places.filter((one) => one.id === here), ...places.filter((one) => one.id !== here)];
  const found = useTablesOf(ordered);
  return ordered.flatMap((place, i) => (found[i]?.data ?? []).map((table) => ({ table, place: ordered.length > 1 ? place.name : undefined })));
}

/** Those whose words all occur; those that begin so come first. */
function matching(goals: Goal[], words: string): Goal[] {
  const parts = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const rank = (goal: Goal) => (goal.label.toLowerCase().startsWith(parts[0] ?? '') ? 0 : 1);
  const said = (goal: Goal) => `${goal.label} ${goal.place ?? ''}`.toLowerCase();
  return goals.filter((goal) => parts.every((part) => said(goal).includes(part))).sort((a, b) => rank(a) - rank(b));
}

export function Palette({ session, close }: { session: Session; close: () => void }) {
  const [location, navigate] = useLocation();
  const address = tableIn(location);
  return (
    <Dialog onClose={close} withCloseButton={false} size="lg" padding={0} yOffset="12vh" centered={false} aria-label={text.palette.title}>
      {address !== undefined ? (
        <InTable address={address} session={session} close={close} go={navigate} />
      ) : (
        <Chooser session={session} close={close} go={navigate} />
      )}
    </Dialog>
  );
}

interface ChooserProps {
  session: Session;
  table?: Table;
  close: () => void;
  go: (to: string) => void;
}

function InTable({ address, ...rest }: ChooserProps & { address: string }) {
  return <Chooser {...rest} table={useTable(address).data} />;
}

function Chooser({ session, table, close, go }: ChooserProps) {
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const here = useWorkspace();
  const mayMake = useMayMakeTables();
  const tables = useTablesEverywhere(here);
  const found = useRecordsFound(table, words);
  const fixed = useMemo(
    () => [
      ...tables.map(({ table: one, place }): Goal => ({ kind: 'table', label: one.name, to: tablePath(one), icon: TABLE_ICONS[one.icon ?? ''] ?? Table2, place })),
      ...pagesOf(session, mayMake, table),
    ],
    [tables, session, mayMake, table],
  );
  const goals = [...matching(fixed, words).slice(0, SHOWN_MAX), ...found.goals];
  const chosen = Math.min(at, goals.length - 1);
  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const choose = (goal: Goal | undefined) => {
    if (!goal) return;
    close();
    go(goal.to);
  };
  const step = (by: number) => setAt((chosen + by + goals.length) % Math.max(1, goals.length));
  const KEYS: Record<string, () => void> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => choose(goals[chosen]),
  };
  const said = found.searching ? text.palette.searching : goals.length === 0 ? text.palette.nothing(words) : text.palette.found(goals.length);
  return (
    <div className="palette">
      <div className="palette-input">
        <Search size={16} aria-hidden />
        <input
          data-autofocus
          role="combobox"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={goals.length > 0 ? `${id}-${chosen}` : undefined}
          aria-label={text.palette.title}
          placeholder={table ? text.palette.hintIn(table.name) : text.palette.hint}
          spellCheck={false}
          value={words}
          onChange={(event) => {
            setWords(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            const act = KEYS[event.key];
            if (!act || event.nativeEvent.isComposing) return;
            event.preventDefault();
            act();
          }}
        />
        <Kbd size="xs">Esc</Kbd>
      </div>
      <ul ref={list} id={id} role="listbox" aria-label={text.palette.title}>
        {goals.map((goal, i) => (
          <li
            key={`${goal.kind} ${goal.to}`}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onPointerMove={() => i !== chosen && setAt(i)}
            onClick={() => choose(goal)}
          >
            <goal.icon size={15} aria-hidden />
            <span className="palette-label">{goal.label}</span>
            {goal.place && <span className="palette-place">{text.places.within(goal.place)}</span>}
            <span className="palette-kind">{text.palette.kinds[goal.kind]}</span>
            {i === chosen && <CornerDownLeft size={13} aria-hidden />}
          </li>
        ))}
      </ul>
      <div className={goals.length === 0 ? 'palette-said' : 'visually-hidden'} role="status">
        {said}
      </div>
    </div>
  );
}
