// Which group is looked at, how the keyboard goes on from it, and what others do to it meanwhile. Draws and merges nothing.
import { useCallback, useEffect, useRef } from 'react';
import { useLocation, useSearch } from 'wouter';
import type { Group } from '../api/duplicates';
import { live } from '../api/live';
import { addressOf } from '../api/places';
import type { Table } from '../api/wire';
import { refreshFound } from './found';

/** What others write is looked at once they rest. */
const OTHERS_REST_MS = 400;

/** Which group is looked at: that of the record in the address, or the first; where it is gone, the one in its place. */
export function useChosen(groups: Group[]) {
  const search = useSearch();
  const [, navigate] = useLocation();
  const at = new URLSearchParams(search).get('at');
  const last = useRef(0);
  const found = groups.findIndex((group) => group.records.some((record) => record.id === at));
  const now = found >= 0 ? found : Math.min(last.current, groups.length - 1);
  useEffect(() => {
    if (now >= 0) last.current = now;
  }, [now]);
  const choose = useCallback(
    (to: Group | string | undefined) => {
      const record = typeof to === 'string' ? to : to?.records[0]?.id;
      const params = new URLSearchParams(location.search);
      if (record) params.set('at', record);
      else params.delete('at');
      navigate(`${location.pathname}?${params.toString()}`, { replace: true });
    },
    [navigate],
  );
  const step = useCallback(
    (by: 1 | -1): Group | undefined => {
      const to = groups[now + by];
      if (to) choose(to);
      return to;
    },
    [groups, now, choose],
  );
  return { chosen: groups[now], place: now, choose, step };
}

/** J and K go from group to group, but where they are typed or a dialog is open. */
export function useKeys(go: (by: 1 | -1) => void) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const by = ({ j: 1, k: -1 } as Record<string, 1 | -1 | undefined>)[event.key.toLowerCase()];
      const target = event.target as HTMLElement;
      const typing = target.closest('input:not([type=radio], [type=checkbox]), textarea, select, [role=menu]');
      if (!by || typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[role=dialog]')) return;
      event.preventDefault();
      go(by);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [go]);
}

/** Shows what others do to the records that are looked at. */
export function useFollowOthers(table: Table, find: string, group: Group | undefined, paused: boolean) {
  const ids = group?.records.map((record) => record.id).join(' ') ?? '';
  useEffect(() => {
    if (paused) return;
    const here = new Set(ids.split(' '));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.watch(table, (event) => {
      if (event && event.key !== undefined && !here.has(String(event.key))) return;
      clearTimeout(timer);
      timer = setTimeout(() => void refreshFound(addressOf(table), find), OTHERS_REST_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [table, find, ids, paused]);
}
