// Grants as they are edited: place by place, the columns and the filter of a table with it. Pure.
import type { FilterGroup, FilterNode, Grant, Scope } from '../api/wire';
import { effective, emptyFilter, isGroup, unfinished } from '../filter/model';

export interface Place {
  kind: 'table' | 'workspace' | '';
  id: string;
  /** Empty: as around it. */
  scope: Scope | '';
  filter: FilterGroup;
  columns: Record<string, Scope>;
}

export const newPlace = (): Place => ({ kind: '', id: '', scope: 'read', filter: emptyFilter(), columns: {} });

const asGroup = (filter: Grant['filter']): FilterGroup => {
  const node = filter as FilterNode | null | undefined;
  if (!node) return emptyFilter();
  return isGroup(node) ? node : { operator: 'and', filters: [node] };
};

export function placesOf(grants: Grant[]): Place[] {
  const places: Place[] = [];
  for (const grant of grants) {
    const kind = grant.table ? 'table' : 'workspace';
    const id = grant.table ?? grant.workspace ?? '';
    let place = places.find((one) => one.kind === kind && one.id === id);
    if (!place) {
      place = { ...newPlace(), kind, id, scope: '' };
      places.push(place);
    }
    if (grant.column) place.columns[grant.column] = grant.scope;
    else Object.assign(place, { scope: grant.scope, filter: asGroup(grant.filter) });
  }
  return places;
}

/** As they are sent, and which place each comes from. */
export function grantsOf(places: Place[]): { grants: Grant[]; from: number[] } {
  const grants: Grant[] = [];
  const from: number[] = [];
  places.forEach((place, at) => {
    if (place.kind === '') return;
    const where = place.kind === 'table' ? { table: place.id } : { workspace: place.id };
    const filter = place.kind === 'table' && place.scope !== 'none' ? effective(place.filter) : undefined;
    if (place.scope !== '') grants.push({ ...where, scope: place.scope, ...(filter ? { filter: filter as Grant['filter'] } : {}) });
    if (place.kind === 'table' && place.scope !== 'none') {
      for (const [column, scope] of Object.entries(place.columns)) grants.push({ ...where, column, scope });
    }
    while (from.length < grants.length) from.push(at);
  });
  return { grants, from };
}

/** A condition without its value would give all records: it must not be sent so. */
export const waits = (place: Place): boolean =>
  place.kind === 'table' && place.scope !== '' && place.scope !== 'none' && place.filter.filters.length > 0 && unfinished(place.filter);
