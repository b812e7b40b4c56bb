// What a search found: the groups beside the one that is looked at, and what is done with it. Its acts are answered with an Undo.
import { Button } from '@mantine/core';
import { Copy, Merge as MergeIcon, PartyPopper, SearchX } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { duplicates as api, type Asked, type Find, type Group, type Ignored, type Merge } from '../api/duplicates';
import { history } from '../api/endpoints';
import { addressOf } from '../api/places';
import { keys, queryClient } from '../api/queries';
import type { Column, Table } from '../api/wire';
import { nameOf } from '../fields/links';
import { text } from '../text/en';
import { words } from '../text/duplicates';
import { Empty, Loading, messageOf } from '../ui/states';
import { show, showError } from '../ui/toast';
import { isApart, reaches, sizeOf } from './choices';
import { useChosen, useFollowOthers, useKeys } from './chosen';
import { Compare } from './Compare';
import { forgetRecords, refreshFound, type useFound } from './found';
import { GroupList } from './GroupList';
import { MergeAll } from './MergeAll';

/** What "Merge all" begins with unless the list is narrowed: what is almost certainly one thing. */
const MERGE_ALL_PERCENT = 95;
/** A group of more records than this was made by what many records have in common, not by what is one thing. */
const GROUP_TELLING_MAX = 20;
/** So many groups before the last one that is read, more are read: who goes by keyboard never waits. */
const READ_AHEAD = 10;

interface GroupsProps {
  table: Table;
  columns: Column[];
  find: string;
  asked: Asked;
  editor: boolean;
  again: () => void;
  state: Find;
  found: ReturnType<typeof useFound>;
  ignored: Ignored[];
}

export function Groups(props: GroupsProps) {
  const { table, columns, find, asked, editor, again, state, found, ignored } = props;
  const [minimum, setMinimum] = useState(0);
  const [mergingAll, setMergingAll] = useState(false);
  const [said, setSaid] = useState('');
  const all = useMemo(
    () => (found.data?.pages ?? []).flatMap((page) => page.groups).filter((group) => !isApart(group, ignored)),
    [found.data, ignored],
  );
  const groups = useMemo(() => all.filter((group) => reaches(group.score, minimum)), [all, minimum]);
  const { chosen, place, choose, step } = useChosen(groups);
  useFollowOthers(table, find, chosen, mergingAll);
  const go = useCallback(
    (by: 1 | -1) => {
      const to = step(by);
      const [first] = to?.records ?? [];
      if (to && first) setSaid(words.found.at(groups.indexOf(to) + 1, nameOf({ ...table, columns }, first)));
    },
    [step, groups, table, columns],
  );
  useKeys(go);
  const acts = useActs(props, groups, choose);
  // The button that searched is gone; what was found has the focus then.
  const { heading } = acts;
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, [heading]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = found;
  // All groups that are read are alike enough, so there may be more.
  const unread = hasNextPage && groups.length === all.length;
  useEffect(() => {
    if (unread && !isFetchingNextPage && place >= all.length - READ_AHEAD) void fetchNextPage();
  }, [unread, isFetchingNextPage, fetchNextPage, place, all.length]);
  const largest = Math.max(0, ...all.map(sizeOf));
  const notes = (
    <>
      {largest > GROUP_TELLING_MAX && <p className="warning">{words.found.untold(largest)}</p>}
      {state.crowded > 0 && <p className="warning">{words.found.crowded(state.crowded)}</p>}
      {state.shortened > 0 && <p className="hint">{words.found.shortened(state.shortened)}</p>}
    </>
  );
  const nothing = hasNextPage ? (
    <Loading />
  ) : (
    <>
      <Nothing state={state} again={again} />
      {notes}
    </>
  );
  const list = (
    <>
      <div className="dup-summary">
        <span role="status">{words.found.groups(state.groups, state.records, hasNextPage ? state.groups : all.length)}</span>
        {editor && (
          <Button variant="light" leftSection={<MergeIcon size={14} />} onClick={() => setMergingAll(true)}>
            {words.all.button}
          </Button>
        )}
      </div>
      {notes}
      <div className="dup-panes">
        <GroupList
          table={table}
          columns={columns}
          compared={asked.columns}
          groups={groups}
          chosen={chosen}
          choose={choose}
          minimum={minimum}
          setMinimum={setMinimum}
          more={unread ? { busy: isFetchingNextPage, load: () => void fetchNextPage() } : undefined}
        />
        {chosen ? (
          <Compare
            key={chosen.records.map((record) => record.id).join(' ')}
            table={table}
            columns={columns}
            compared={asked.columns}
            group={chosen}
            mayEdit={editor}
            heading={acts.heading}
            merge={(what) => acts.merge(chosen, what)}
            apart={(ids) => acts.keepApart(chosen, ids)}
            next={groups.at(-1) === chosen ? undefined : () => go(1)}
          />
        ) : (
          <Empty icon={<SearchX size={28} />} title={words.found.tooHigh(`${minimum} %`)}>
            <Button variant="default" onClick={() => setMinimum(0)}>
              {words.found.showAll}
            </Button>
          </Empty>
        )}
      </div>
      <div className="visually-hidden" aria-live="polite">
        {said}
      </div>
    </>
  );
  return (
    <>
      {all.length === 0 ? nothing : list}
      {/* Outside the list: when the last group of it is merged, the dialog still has to say what was done. */}
      {mergingAll && (
        <MergeAll
          table={table}
          columns={columns}
          find={find}
          ignored={ignored}
          minimum={minimum || MERGE_ALL_PERCENT}
          close={() => setMergingAll(false)}
          merged={() => void Promise.all([refreshFound(addressOf(table), find), queryClient.invalidateQueries({ queryKey: keys.operations })])}
        />
      )}
    </>
  );
}

function Nothing({ state, again }: { state: Find; again: () => void }) {
  if (state.groups === 0) {
    return <Empty icon={<SearchX size={28} />} title={words.found.none} body={words.found.noneBody(state.records)} />;
  }
  return (
    <Empty icon={<PartyPopper size={28} />} title={words.found.done} body={words.found.doneBody}>
      <Button variant="default" leftSection={<Copy size={14} />} onClick={again}>
        {words.form.again}
      </Button>
    </Empty>
  );
}

/** Merging a group, keeping it apart, and taking either back. */
function useActs({ table, columns, find }: GroupsProps, groups: Group[], choose: (to: Group | string | undefined) => void) {
  const heading = useRef<HTMLHeadingElement>(null);
  const undoable = (back: () => Promise<void>) => ({
    label: text.common.undo,
    run: () => {
      back().catch((error: unknown) => showError(messageOf(error)));
    },
  });
  /** Something was done with the group. Where that is all, the one behind it is next; what is next has the focus. */
  const goOn = (group: Group, done: boolean) => {
    const at = groups.indexOf(group);
    if (done) choose(groups[at + 1] ?? groups[at - 1]);
    setTimeout(() => (heading.current ?? document.getElementById('main'))?.focus());
  };
  const merge = async (group: Group, what: Merge) => {
    const { operationId, record } = await api.merge(addressOf(table), what, false);
    const back = async () => {
      const report = await history.revert(table.workspaceId, operationId ?? '', false);
      await refreshFound(addressOf(table), find);
      choose(what.survivorId);
      setTimeout(() => heading.current?.focus());
      show(report.skippedTotal > 0 ? text.activity.done(report.reverted, report.skippedTotal) : words.compare.undone);
    };
    const left = sizeOf(group) - what.recordIds.length;
    goOn(group, left < 2);
    forgetRecords(addressOf(table), find, what.recordIds);
    show(words.compare.done(what.recordIds.length + 1, nameOf({ ...table, columns }, record)), operationId ? undoable(back) : undefined);
    void queryClient.invalidateQueries({ queryKey: keys.operations });
    if (left > 1) await refreshFound(addressOf(table), find);
  };
  const keepApart = async (group: Group, ids: string[]) => {
    const kept = await api.ignore(addressOf(table), ids);
    const refresh = () => queryClient.invalidateQueries({ queryKey: keys.duplicates(addressOf(table), 'ignored') });
    const back = async () => {
      await api.takeBack(addressOf(table), kept.id);
      await refresh();
      choose(ids[0]);
    };
    goOn(group, ids.length === group.records.length);
    await refresh();
    show(words.compare.keptApart, undoable(back));
  };
  return { heading, merge, keepApart };
}
