// What the page knows of each field type: its sign, its alignment, how a value reads and how typed text becomes one.
// The server stays the only judge of a value; parsing here only chooses the JSON shape.
import {
  AlarmClock, AtSign, Barcode, Braces, Calendar, CalendarClock, CheckSquare, CircleDot, CircleUser, Clock, Coins, Files,
  Hash, Hourglass, KeyRound, Link, ListChecks, ListOrdered, Lock, MousePointerClick, Paperclip, Percent, Phone, Search, Sigma, Star, Text,
  Type, UserRound, UsersRound, Waypoints, type LucideIcon,
} from 'lucide-react';
import type { FieldColumn as Column, FieldType, SelectOption } from '../api/wire';
import { text } from '../text/en';

export type EditorKind =
  | 'line' | 'lines' | 'link' | 'links' | 'check' | 'select' | 'multi' | 'rating' | 'date' | 'dateTime' | 'time' | 'json' | 'files' | 'none';

export type Parsed = { ok: true; value: unknown } | { ok: false; message: string };

export interface FieldKind {
  icon: LucideIcon;
  editor: EditorKind;
  align?: 'end' | 'center';
  width: number;
  parse?: (input: string, column: Column) => Parsed;
  toText?: (value: unknown, column: Column) => string;
  /** The soft keyboard that fits. */
  inputMode?: 'decimal' | 'numeric' | 'email' | 'tel' | 'url';
}

const good = (value: unknown): Parsed => ({ ok: true, value });

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const EXACT_DIGITS = 15;

interface RawJson {
  rawJSON?: (source: string) => unknown;
}

/** A number; one with more digits than JavaScript keeps is sent as it was typed, where the browser can. */
function exactNumber(input: string): Parsed {
  const trimmed = input.trim().replace(/^\+/, '');
  if (trimmed === '') return good(null);
  if (!NUMBER.test(trimmed)) return { ok: false, message: text.fields.notNumber(input.trim()) };
  const digits = trimmed.replace(/e.*$/i, '').replace(/\D/g, '').replace(/^0+/, '');
  const n = Number(trimmed);
  if (digits.length <= EXACT_DIGITS || String(n) === trimmed) return good(n);
  const raw = (JSON as RawJson).rawJSON;
  const plain = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed);
  return good(raw && plain ? raw(trimmed) : trimmed);
}

function decimalText(input: string): Parsed {
  const trimmed = input.trim().replace(/^[\p{Sc}\s]+|[\p{Sc}\s]+$/gu, '');
  return good(trimmed === '' ? null : trimmed);
}

const TRUE = new Set(['true', 'yes', 'y', '1', 'on', 'x', '✓', '☑']);
const FALSE = new Set(['false', 'no', 'n', '0', 'off', '☐']);

function booleanOf(input: string): Parsed {
  const word = input.trim().toLowerCase();
  if (word === '') return good(null);
  if (TRUE.has(word)) return good(true);
  if (FALSE.has(word)) return good(false);
  return { ok: false, message: text.fields.notBoolean };
}

export function findOption(column: Column, value: unknown): SelectOption | undefined {
  const wanted = String(value);
  return (
    column.options?.find((option) => option.id === wanted) ??
    column.options?.find((option) => option.name === wanted)
  );
}

function optionOf(input: string, column: Column): Parsed {
  const name = input.trim();
  if (name === '') return good(null);
  const lower = name.toLowerCase();
  const option =
    findOption(column, name) ?? column.options?.find((one) => one.name.toLowerCase() === lower);
  if (option) return good(option.id);
  return { ok: false, message: text.fields.noOption(name) };
}

function optionsOf(input: string, column: Column): Parsed {
  const names = input.split(/[,;\n]/).map((name) => name.trim()).filter(Boolean);
  const ids: unknown[] = [];
  for (const name of names) {
    const one = optionOf(name, column);
    if (!one.ok) return one;
    ids.push(one.value);
  }
  return good(ids.length > 0 ? ids : null);
}

function jsonOf(input: string): Parsed {
  if (input.trim() === '') return good(null);
  try {
    return good(JSON.parse(input));
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

const optionName = (value: unknown, column: Column) =>
  value === null || value === undefined ? '' : (findOption(column, value)?.name ?? String(value));

const optionNames = (value: unknown, column: Column) =>
  Array.isArray(value) ? value.map((one) => optionName(one, column)).join(', ') : '';

const jsonText = (value: unknown) =>
  value === null || value === undefined ? '' : JSON.stringify(value);

const linkText = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(', ') : typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');

function idsOf(input: string): Parsed {
  const ids = input.split(/[,;\n]/).map((id) => id.trim()).filter(Boolean);
  return good(ids.length > 0 ? ids : null);
}

/** Files are brought, not typed: as text only an id says which is meant. */
function fileIdsOf(several: boolean): (input: string) => Parsed {
  const id = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
  return (input) => {
    const parsed = idsOf(input);
    if (!parsed.ok || parsed.value === null) return parsed;
    const ids = parsed.value as string[];
    if (!ids.every((one) => id.test(one))) return { ok: false, message: text.files.notTyped };
    return good(several ? ids : ids.length === 1 ? ids[0] : ids);
  };
}

const trimmed = (input: string): Parsed => good(input.trim() === '' ? null : input.trim());

const KINDS: Record<string, FieldKind> = {
  text: { icon: Type, editor: 'line', width: 200 },
  longText: { icon: Text, editor: 'lines', width: 260 },
  number: { icon: Hash, editor: 'line', align: 'end', width: 120, parse: exactNumber, inputMode: 'decimal' },
  boolean: { icon: CheckSquare, editor: 'check', align: 'center', width: 90, parse: booleanOf },
  date: { icon: Calendar, editor: 'date', width: 130, parse: trimmed },
  dateTime: { icon: CalendarClock, editor: 'dateTime', width: 180, parse: trimmed },
  time: { icon: Clock, editor: 'time', width: 110, parse: trimmed },
  duration: { icon: Hourglass, editor: 'line', align: 'end', width: 120, parse: trimmed },
  currency: { icon: Coins, editor: 'line', align: 'end', width: 130, parse: decimalText, inputMode: 'decimal' },
  percent: { icon: Percent, editor: 'line', align: 'end', width: 110, parse: decimalText, inputMode: 'decimal' },
  rating: { icon: Star, editor: 'rating', width: 120, parse: exactNumber },
  autoNumber: { icon: ListOrdered, editor: 'none', align: 'end', width: 100 },
  select: { icon: CircleDot, editor: 'select', width: 150, parse: optionOf, toText: optionName },
  multiSelect: { icon: ListChecks, editor: 'multi', width: 200, parse: optionsOf, toText: optionNames },
  email: { icon: AtSign, editor: 'line', width: 220, parse: trimmed, inputMode: 'email' },
  url: { icon: Link, editor: 'line', width: 220, parse: trimmed, inputMode: 'url' },
  phone: { icon: Phone, editor: 'line', width: 150, parse: trimmed, inputMode: 'tel' },
  barcode: { icon: Barcode, editor: 'line', width: 150, parse: trimmed },
  secret: { icon: KeyRound, editor: 'line', width: 190 },
  json: { icon: Braces, editor: 'json', width: 220, parse: jsonOf, toText: jsonText },
  relation: { icon: Waypoints, editor: 'link', width: 200, toText: linkText },
  lookup: { icon: Search, editor: 'none', width: 160, toText: linkText },
  rollup: { icon: Sigma, editor: 'none', width: 130, toText: linkText },
  user: { icon: CircleUser, editor: 'link', width: 150, toText: linkText },
  users: { icon: UsersRound, editor: 'links', width: 200, parse: idsOf, toText: linkText },
  file: { icon: Paperclip, editor: 'files', width: 190, parse: fileIdsOf(false), toText: linkText },
  files: { icon: Files, editor: 'files', width: 200, parse: fileIdsOf(true), toText: linkText },
  button: { icon: MousePointerClick, editor: 'none', width: 110, toText: linkText },
  createdTime: { icon: AlarmClock, editor: 'none', width: 180 },
  updatedTime: { icon: AlarmClock, editor: 'none', width: 180 },
  createdBy: { icon: UserRound, editor: 'none', width: 150 },
  updatedBy: { icon: UserRound, editor: 'none', width: 150 },
};

const UNKNOWN: FieldKind = { icon: Lock, editor: 'none', width: 160, toText: jsonText };

export function kindOf(fieldType: string): FieldKind {
  return KINDS[fieldType] ?? UNKNOWN;
}

/** Stands in every mask, and in no value. */
const VEIL = '••••';

/** How the page treats a column: an encrypted one shows a mask, whatever its type, and takes a new value as text. */
export function kindOfColumn(column: Column): FieldKind {
  const kind = kindOf(column.fieldType);
  if (column.fieldType === 'relation') {
    if (column.config?.reverseOf) return { ...kind, editor: 'none' };
    if (column.config?.relationType === 'manyToMany') return { ...kind, editor: 'links', parse: idsOf };
  }
  if (!column.encrypted) return kind;
  const parse = (input: string): Parsed =>
    // The mask sent back keeps the value; the server refuses any other.
    kind.parse && !input.includes(VEIL) ? kind.parse(input, column) : good(input === '' ? null : input);
  return { icon: Lock, editor: 'line', width: 190, parse, toText: String };
}

export function editable(column: Column): boolean {
  return !column.isReadOnly && kindOfColumn(column).editor !== 'none';
}

export function parseText(input: string, column: Column): Parsed {
  const parse = kindOfColumn(column).parse;
  return parse ? parse(input, column) : good(input === '' ? null : input);
}

/** The value as a person would type it: what copy puts on the clipboard and an editor starts with. */
export function valueText(value: unknown, column: Column): string {
  if (value === null || value === undefined) return '';
  const toText = kindOfColumn(column).toText;
  if (toText) return toText(value, column);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The value as a person reads it: the server's display text where it sent one. */
export function displayText(value: unknown, column: Column, display?: string): string {
  if (value === null || value === undefined) return '';
  return display ?? valueText(value, column);
}

/** How many stars a rating has. */
export function ratingMax(column: Column): number {
  const max = Number(column.config?.max ?? 5);
  return Number.isFinite(max) && max > 0 ? Math.min(10, max) : 5;
}

/** Only addresses that are safe to open from a page. */
export function hrefOf(value: unknown, column: Column): string | null {
  if (typeof value !== 'string' || value === '') return null;
  if (column.encrypted) return null;
  if (column.fieldType === 'email') return `mailto:${encodeURIComponent(value).replace('%40', '@')}`;
  if (column.fieldType === 'phone') return `tel:${value.replace(/[^\d+]/g, '')}`;
  if (column.fieldType !== 'url' && column.fieldType !== 'button') return null;
  try {
    const url = new URL(value);
    const safe = url.protocol === 'http:' || url.protocol === 'https:';
    // A button's address is made by the store, which takes these too.
    const called = column.fieldType === 'button' && (url.protocol === 'mailto:' || url.protocol === 'tel:');
    return safe || called ? url.href : null;
  } catch {
    return null;
  }
}

export const sameValue = (a: unknown, b: unknown): boolean =>
  (a ?? null) === (b ?? null) || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export function fieldTypeName(types: FieldType[] | undefined, id: string): string {
  return types?.find((type) => type.id === id)?.name ?? id;
}
