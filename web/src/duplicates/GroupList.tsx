// The groups that were found, those most alike first: what each is called, how alike it is and why. Merges nothing.
import { Button, NumberInput } from '@mantine/core';
import { memo, useEffect, useRef } from 'react';
import type { ComparedColumn, Group } from '../api/duplicates';
import type { Column, Table } from '../api/wire';
import { nameOf } from '../fields/links';
import { text } from '../text/en';
import { words } from '../text/duplicates';
import { SIMILARITY } from './asked';
import { agreement, sizeOf } from './choices';

/** How many different names of its records a group shows. */
const NAMES_MAX = 3;

interface ListProps {
  table: Table;
  columns: Column[];
  compared: ComparedColumn[];
  groups: Group[];
  chosen: Group | undefined;
  choose: (group: Group) => void;
  minimum: number;
  setMinimum: (percent: number) => void;
  more?: { busy: boolean; load: () => void };
}

export function GroupList({ table, columns, compared, groups, chosen, choose, minimum, setMinimum, more }: ListProps) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const button = list.current?.querySelector<HTMLElement>('[aria-current]');
    button?.scrollIntoView({ block: 'nearest' });
    if (list.current?.contains(document.activeElement)) button?.focus();
  }, [chosen?.records[0]?.id]);
  return (
    <section className="dup-list" aria-label={words.found.list}>
      <div className="dup-list-head">
        <NumberInput
          size="xs"
          label={words.found.minimum}
          aria-label={words.found.minimumLabel}
          min={0}
          max={100}
          suffix=" %"
          allowDecimal={false}
          value={minimum}
          onChange={(value) => setMinimum(value === '' ? 0 : Number(value))}
        />
        <p className="dimmed">{words.found.keys}</p>
      </div>
      <ul ref={list}>
        {groups.map((group, i) => (
          <li key={group.records[0]?.id}>
            <Line
              table={table}
              columns={columns}
              compared={compared}
              group={group}
              place={i + 1}
              current={group === chosen}
              choose={choose}
            />
          </li>
        ))}
      </ul>
      {more && (
        <Button variant="default" fullWidth loading={more.busy} onClick={more.load}>
          {text.common.more}
        </Button>
      )}
    </section>
  );
}

interface LineProps {
  table: Table;
  columns: Column[];
  compared: ComparedColumn[];
  group: Group;
  place: number;
  current: boolean;
  choose: (group: Group) => void;
}

const Line = memo(function Line({ table, columns, compared, group, place, current, choose }: LineProps) {
  const names = [...new Set(group.records.map((record) => nameOf({ ...table, columns }, record)))];
  const shown = names.slice(0, NAMES_MAX);
  const shares = compared
    .map(({ column }) => ({ name: columns.find((one) => one.slug === column)?.name ?? column, share: agreement(group, column) }))
    .filter(({ share }) => share !== 1);
  return (
    <button type="button" className="dup-group" aria-current={current ? 'true' : undefined} onClick={() => choose(group)}>
      <span className="dup-group-head">
        <span className="visually-hidden">{words.found.at(place, '')}</span>
        <span className="dup-names">
          {shown.map((name, i) => (
            <span key={i}>{name}</span>
          ))}
          {names.length > shown.length && <span>…</span>}
        </span>
        <strong className="dup-score">{words.percent(group.score)}</strong>
      </span>
      <span className="dup-why">
        <span>{words.found.records(sizeOf(group))}</span>
        {shares.map(({ name, share }, i) => (
          <span key={i} className="dup-agreement">
            {name} <b data-weak={(share !== null && share < SIMILARITY) || undefined}>{share === null ? words.found.blank : words.percent(share)}</b>
          </span>
        ))}
        {shares.length < compared.length && <span>{shares.length === 0 ? words.found.allSame : words.found.restSame}</span>}
      </span>
    </button>
  );
});
