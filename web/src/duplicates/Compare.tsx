// The records of one group side by side: which of them are one thing, which one stays, and where each value comes from. What the
// merged record would be is asked of the server; nothing is written here but by the two buttons below.
import { Button, Checkbox, Switch, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ArrowRight, Merge as MergeIcon, Unlink } from 'lucide-react';
import { useId, useMemo, useState, type RefObject } from 'react';
import { Link } from 'wouter';
import { duplicates as api, type ComparedColumn, type Group, type Merge } from '../api/duplicates';
import { addressOf, recordPath } from '../api/places';
import { keys } from '../api/queries';
import type { Column, Rec, Table } from '../api/wire';
import { nameOf } from '../fields/links';
import { editable } from '../fields/registry';
import { words } from '../text/duplicates';
import { Problem } from '../ui/states';
import { ago, when } from '../ui/time';
import { useWork } from '../ui/work';
import { agreement, differs, filled, inOrder, mergeOf, SHOWN_MAX, sizeOf, type Pick, type Picks } from './choices';
import { FieldRow } from './FieldRow';

/** The preview is asked for once the choices rest. */
const REST_MS = 150;

interface CompareProps {
  table: Table;
  columns: Column[];
  compared: ComparedColumn[];
  group: Group;
  mayEdit: boolean;
  heading: RefObject<HTMLHeadingElement | null>;
  merge: (merge: Merge) => Promise<void>;
  apart: (ids: string[]) => Promise<void>;
  next?: () => void;
}

export function Compare({ table, columns, compared, group, mayEdit, heading, merge, apart, next }: CompareProps) {
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [stays, setStays] = useState<string | null>(null);
  const [picks, setPicks] = useState<Picks>({});
  const [onlyDifferences, setOnlyDifferences] = useState(false);
  const merging = useWork();
  const keeping = useWork();
  const within = useMemo(() => group.records.filter((record) => !left.has(record.id)), [group.records, left]);
  const [suggested, second] = inOrder(within, 'fullest', columns);
  const fullest = suggested && second && filled(suggested, columns) > filled(second, columns);
  const survivor = within.find((record) => record.id === stays) ?? suggested;
  const ordered = survivor ? [survivor, ...within.filter((record) => record !== survivor)] : [];
  const enough = within.length > 1;
  const asked = mergeOf(ordered, picks);
  const preview = usePreview(addressOf(table), asked, ordered, mayEdit && enough);
  const names = new Map(group.records.map((record) => [record.id, nameOf({ ...table, columns }, record)]));
  const called = (record: Rec) => names.get(record.id) ?? record.id;
  const shown = columns.filter((column) => !onlyDifferences || differs(column, within));
  return (
    <section className="dup-compare" aria-labelledby="dup-compare-title">
      <div className="dup-compare-head">
        <Title order={2} size="h4" id="dup-compare-title" ref={heading} tabIndex={-1}>
          {words.compare.title(group.records.length)}
        </Title>
        <Switch
          size="xs"
          label={words.compare.differences}
          checked={onlyDifferences}
          onChange={(event) => setOnlyDifferences(event.currentTarget.checked)}
        />
      </div>
      {sizeOf(group) > SHOWN_MAX && <p className="notice">{words.found.larger(group.size, group.records.length)}</p>}
      <div className="sheet dup-sheet" role="region" aria-label={words.compare.table} tabIndex={0}>
        <table className="plain dup-table">
          <thead>
            <tr>
              <th scope="col">{words.compare.field}</th>
              {group.records.map((record) => (
                <RecordHead
                  key={record.id}
                  table={table}
                  record={record}
                  name={called(record)}
                  mayEdit={mayEdit}
                  within={!left.has(record.id)}
                  stays={record === survivor}
                  suggested={record !== suggested ? undefined : fullest ? words.compare.fullest : words.compare.oldest}
                  toggle={(on) => {
                    const rest = new Set(left);
                    if (on) rest.delete(record.id);
                    else rest.add(record.id);
                    setLeft(rest);
                  }}
                  stay={() => setStays(record.id)}
                />
              ))}
              {mayEdit && (
                <th scope="col" className="dup-merged">
                  {words.compare.merged}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map((column) => (
              <FieldRow
                key={column.id}
                column={column}
                records={group.records}
                ordered={ordered}
                called={called}
                share={compared.some((one) => one.column === column.slug) ? agreement(group, column.slug) : undefined}
                choosing={mayEdit && enough && editable(column)}
                pick={picks[column.slug]}
                choose={(pick: Pick) => setPicks((old) => ({ ...old, [column.slug]: pick }))}
                merged={mayEdit ? { record: preview.data?.record, stale: preview.isFetching || preview.isPlaceholderData } : undefined}
              />
            ))}
          </tbody>
        </table>
      </div>
      {mayEdit ? (
        <div className="dup-foot">
          {enough && <Problem error={merging.error ?? keeping.error ?? preview.error} />}
          <p className="dimmed" aria-live="polite">
            {enough
              ? `${words.compare.outcome(within.length - 1, table.settings.softDelete !== false)}${preview.data?.referring ? words.compare.referring(preview.data.referring) : ''}`
              : words.compare.tooFew}
          </p>
          <div className="dup-actions">
            <Button
              size="sm"
              disabled={!enough || keeping.busy}
              loading={merging.busy}
              leftSection={<MergeIcon size={15} />}
              onClick={() => void merging.work(() => merge(asked))}
            >
              {words.compare.merge(within.length)}
            </Button>
            <Button
              size="sm"
              variant="default"
              disabled={!enough || merging.busy}
              loading={keeping.busy}
              leftSection={<Unlink size={15} />}
              onClick={() => void keeping.work(() => apart(within.map((record) => record.id)))}
            >
              {words.compare.apart}
            </Button>
            {next && (
              <Button size="sm" variant="subtle" color="gray" rightSection={<ArrowRight size={15} />} onClick={next}>
                {words.compare.skip}
              </Button>
            )}
          </div>
        </div>
      ) : (
        <p className="notice dup-may-not">{words.compare.mayNot}</p>
      )}
    </section>
  );
}

/** What the merge would leave, worked out by the server and not written. */
function usePreview(address: string, asked: Merge, ordered: Rec[], enabled: boolean) {
  const versions = ordered.map((record) => `${record.id} ${record.version}`).join();
  const [rested] = useDebouncedValue({ asked, versions, enabled }, REST_MS);
  return useQuery({
    queryKey: keys.duplicates(address, 'preview', JSON.stringify(rested.asked), rested.versions),
    queryFn: ({ signal }) => api.merge(address, rested.asked, true, signal),
    enabled: enabled && rested.enabled,
    placeholderData: keepPreviousData,
    retry: false,
    gcTime: 0,
  });
}

interface HeadProps {
  table: Table;
  record: Rec;
  name: string;
  mayEdit: boolean;
  within: boolean;
  stays: boolean;
  /** Why it is suggested, if it is. */
  suggested: string | undefined;
  toggle: (on: boolean) => void;
  stay: () => void;
}

function RecordHead({ table, record, name, mayEdit, within, stays, suggested, toggle, stay }: HeadProps) {
  const id = useId();
  return (
    <th scope="col" className="dup-record" data-stays={stays || undefined} data-left={!within || undefined}>
      <Link to={recordPath(table, record.id)} className="dup-name" title={name} aria-label={words.compare.open(name)}>
        {name}
      </Link>
      <Text size="xs" c="dimmed" fw={400} title={`${when(record.createdAt)} · ${when(record.updatedAt)}`}>
        {words.compare.created(ago(record.createdAt))}
        {record.version > 1 && `, ${words.compare.changed(ago(record.updatedAt))}`}
      </Text>
      {mayEdit && (
        <span className="dup-record-choices">
          <Checkbox size="xs" label={words.compare.include} aria-label={words.compare.includeLabel(name)} checked={within} onChange={(event) => toggle(event.currentTarget.checked)} />
          <label className="dup-pick" htmlFor={id}>
            <input id={id} type="radio" name="dup-survivor" aria-label={words.compare.survivorLabel(name)} checked={stays} disabled={!within} onChange={stay} />
            {words.compare.survivor}
          </label>
        </span>
      )}
      {mayEdit && suggested && (
        <Text size="xs" c="dimmed" fw={400}>
          {suggested}
        </Text>
      )}
    </th>
  );
}
