// One field of the records side by side: what each has, where they differ, which value the merged record gets. Decides nothing.
import type { ReactNode } from 'react';
import { CellValue } from '../grid/cells';
import type { Column, Rec } from '../api/wire';
import { displayText, kindOfColumn, sameValue } from '../fields/registry';
import { describedIn, filesOf, namesFiles } from '../files/facts';
import { words } from '../text/duplicates';
import { difference, differs, givenBy, isBlank, joinOf, type Pick } from './choices';

/** Longer texts are shown without what differs in them. */
const MARKED_CHARS_MAX = 400;
/** Types whose values are drawn as their text. */
const TEXTS = new Set(['text', 'longText', 'email', 'url', 'phone', 'barcode', 'number', 'date', 'dateTime', 'time', 'currency', 'percent', 'duration', 'autoNumber']);

/** Editors of values that are read by the names of what they mean. */
const NAMED = new Set(['link', 'links', 'files']);

interface RowProps {
  column: Column;
  records: Rec[];
  /** Those that are merged, the survivor first. */
  ordered: Rec[];
  called: (record: Rec) => string;
  /** How alike the values are, if they were compared; null where one is blank. */
  share: number | null | undefined;
  choosing: boolean;
  pick: Pick | undefined;
  choose: (pick: Pick) => void;
  merged?: { record: Rec | undefined; stale: boolean };
}

export function FieldRow({ column, records, ordered, called, share, choosing, pick, choose, merged }: RowProps) {
  const survivor = ordered[0];
  const different = differs(column, ordered);
  const join = joinOf(column);
  const filled = ordered.filter((record) => !isBlank(record.data[column.slug])).length;
  const joined = pick === 'concat' || pick === 'union';
  const picked = joined ? undefined : (ordered.find((record) => typeof pick === 'object' && record.id === pick.from) ?? givenBy(column, ordered));
  const Icon = kindOfColumn(column).icon;
  const name = `dup-${column.slug}`;
  return (
    <tr data-different={different || undefined}>
      <th scope="row">
        <span className="with-icon">
          <Icon size={14} aria-hidden className="head-icon" /> {column.name}
        </span>
        {share !== undefined && <span className="dup-share">{likeness(share, different)}</span>}
      </th>
      {records.map((record) => {
        const within = ordered.includes(record);
        const value = <Value column={column} record={record} other={record === survivor ? ordered[1] : survivor} />;
        const apart = within && different && record !== survivor && !sameOrBlank(record, survivor, column);
        return (
          <td key={record.id} data-taken={(different && record === picked) || undefined} data-differs={apart || undefined} data-left={!within || undefined}>
            {choosing && different && within ? (
              <label className="dup-pick">
                <input
                  type="radio"
                  name={name}
                  aria-label={words.compare.take(column.name, called(record))}
                  checked={record === picked}
                  onChange={() => choose({ from: record.id })}
                />
                {value}
              </label>
            ) : (
              value
            )}
            {apart && <span className="visually-hidden">{words.compare.differs}</span>}
          </td>
        );
      })}
      {merged && (
        <td className="dup-merged" data-stale={merged.stale || undefined}>
          {merged.record ? <Value column={column} record={merged.record} display={displayOf(column, merged.record, ordered)} /> : <span className="dimmed">{ordered.length > 1 ? '…' : ''}</span>}
          {choosing && different && join && filled > 1 && (
            <label className="dup-pick">
              <input
                type="radio"
                name={name}
                aria-label={join === 'concat' ? words.compare.concatLabel(column.name) : words.compare.unionLabel(column.name)}
                checked={pick === join}
                onChange={() => choose(join)}
              />
              {words.compare[join]}
            </label>
          )}
        </td>
      )}
    </tr>
  );
}

/** How the merged value reads, by how those read that it is made of: what a merge answers names nothing that is linked. */
function displayOf(column: Column, merged: Rec, ordered: Rec[]): string | undefined {
  const own = merged.data._display?.[column.slug];
  const { editor } = kindOfColumn(column);
  if (own !== undefined || !NAMED.has(editor)) return own;
  const shown = (record: Rec) => record.data._display?.[column.slug];
  const same = ordered.find((record) => sameValue(record.data[column.slug], merged.data[column.slug]));
  if (same) return shown(same);
  return [...new Set(ordered.flatMap((record) => shown(record)?.split(', ') ?? []))].join(', ') || undefined;
}

function likeness(share: number | null, different: boolean): string {
  if (share === null) return words.compare.oneBlank;
  if (share < 1) return words.compare.alike(words.percent(share));
  return different ? words.compare.sameForm : words.found.same;
}

function sameOrBlank(record: Rec, other: Rec | undefined, column: Column): boolean {
  const [mine, theirs] = [record.data[column.slug], other?.data[column.slug]];
  return sameValue(isBlank(mine) ? null : mine, isBlank(theirs) ? null : theirs);
}

/** A value as everywhere else; of a text, what differs from the other one is marked. */
function Value({ column, record, other, display = record.data._display?.[column.slug] }: { column: Column; record: Rec; other?: Rec; display?: string }): ReactNode {
  const value = record.data[column.slug];
  if (isBlank(value)) {
    return column.fieldType === 'button' ? null : <span className="dup-blank">{words.compare.blank}</span>;
  }
  if (column.encrypted || !TEXTS.has(column.fieldType)) {
    return (
      <span className="dup-value">
        <CellValue column={column} value={value} display={display} files={namesFiles(column) && !display ? filesOf(value, describedIn(record, column)) : undefined} />
      </span>
    );
  }
  const mine = displayText(value, column, display);
  const theirs = other ? displayText(other.data[column.slug], column, other.data._display?.[column.slug]) : '';
  if (theirs === '' || theirs === mine || mine.length > MARKED_CHARS_MAX) return <span className="dup-value">{mine}</span>;
  const [before, between, after] = difference(mine, theirs);
  return (
    <span className="dup-value">
      {before}
      {between && <mark>{between}</mark>}
      {after}
    </span>
  );
}
