// Which secrets are listed, and in which order. Kept while the vault's pages are open, and nowhere else.
import type { SecretQuery } from '../api/wire';

export interface Filter {
  state: string;
  expiry: string;
  kind: string;
  order: string;
  name: string;
  text: string;
  from: string;
  until: string;
}

export const ALL: Filter = {
  state: 'live', expiry: 'any', kind: '', order: 'createdAt desc', name: '', text: '', from: '', until: '',
};

/** Whether the filter leaves something out. */
export function narrows(filter: Filter): boolean {
  return JSON.stringify({ ...filter, order: ALL.order }) !== JSON.stringify(ALL);
}

function edgeOf(day: string, time: string): string | null {
  return day === '' ? null : new Date(`${day}T${time}`).toISOString();
}

export function questionOf(filter: Filter): SecretQuery {
  const [order, direction] = filter.order.split(' ');
  return {
    ids: null,
    tokens: null,
    kind: (filter.kind || null) as SecretQuery['kind'],
    createdFrom: edgeOf(filter.from, '00:00:00.000'),
    createdUntil: edgeOf(filter.until, '23:59:59.999'),
    expiry: filter.expiry as SecretQuery['expiry'],
    state: filter.state as SecretQuery['state'],
    metadata: filter.name.trim() === '' ? {} : { [filter.name.trim()]: filter.text },
    order: order as SecretQuery['order'],
    direction: direction as SecretQuery['direction'],
    limit: null,
    cursor: null,
    count: 'none',
  };
}
