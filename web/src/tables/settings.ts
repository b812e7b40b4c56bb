// The settings of a table as they are edited, and what of them has to be sent. Pure.
import type { Table, TableUpdate } from '../api/wire';

export interface Draft {
  name: string;
  description: string;
  icon: string;
  color: string;
  recordNameTemplate: string;
  /** As people write it: `7d`. */
  ttl: string;
  enableForm: boolean;
  enableRevisions: boolean;
  enableAttachments: boolean;
}

const SWITCHES = ['enableForm', 'enableRevisions', 'enableAttachments'] as const;
const UNITS: [string, number][] = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]];

/** Milliseconds in the greatest unit that keeps them whole; what is text already stays. */
function lasting(ttl: unknown): string {
  if (typeof ttl !== 'number') return typeof ttl === 'string' ? ttl : '';
  const unit = UNITS.find(([, ms]) => ttl % ms === 0);
  return unit ? `${ttl / unit[1]}${unit[0]}` : String(ttl);
}

export const settled = (typed: string): string => typed.replace(/\s+/g, '');

export function draftOf({ name, description, icon, color, settings }: Table): Draft {
  return {
    name,
    description: description ?? '',
    icon: icon ?? '',
    color: color ?? '',
    recordNameTemplate: settings.recordNameTemplate ?? '',
    ttl: lasting(settings.ttl),
    enableForm: settings.enableForm === true,
    enableRevisions: settings.enableRevisions !== false,
    enableAttachments: settings.enableAttachments !== false,
  };
}

/** Only what differs is sent, so that two people who edit it do not overwrite each other. */
export function changesOf(draft: Draft, table: Table): TableUpdate {
  const was = draftOf(table);
  const settings: NonNullable<TableUpdate['settings']> = {};
  if (draft.recordNameTemplate !== was.recordNameTemplate) settings.recordNameTemplate = draft.recordNameTemplate || null;
  const ttl = settled(draft.ttl);
  if (ttl !== was.ttl) settings.ttl = ttl === '' ? null : /^\d+$/.test(ttl) ? Number(ttl) : ttl;
  for (const one of SWITCHES) if (draft[one] !== was[one]) settings[one] = draft[one];
  return {
    ...(draft.name.trim() === was.name ? {} : { name: draft.name.trim() }),
    ...(draft.description === was.description ? {} : { description: draft.description || null }),
    ...(draft.icon === was.icon ? {} : { icon: draft.icon || null }),
    ...(draft.color === was.color ? {} : { color: draft.color || null }),
    ...(Object.keys(settings).length > 0 ? { settings } : {}),
  };
}
