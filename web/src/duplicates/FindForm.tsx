// What is asked of a search for duplicates: columns, how each is compared, and in which blocks. Starts it through its owner.
import { Button, Checkbox, Group, MultiSelect, NativeSelect, NumberInput, Text } from '@mantine/core';
import { RotateCcw, Search } from 'lucide-react';
import { useState } from 'react';
import type { Asked, Compare, ComparedColumn } from '../api/duplicates';
import type { Column, FieldType } from '../api/wire';
import { kindOfColumn } from '../fields/registry';
import { text } from '../text/en';
import { wholePercent, words } from '../text/duplicates';
import { Problem } from '../ui/states';
import { asLike, comparesOf, proposed, SIMILARITY, whyNot } from './asked';

interface FormProps {
  columns: Column[];
  types: FieldType[];
  asked: Asked;
  busy: boolean;
  error: unknown;
  run: (asked: Asked) => void;
  /** Back to what was found, where there is something. */
  close?: () => void;
}

export function FindForm({ columns, types, asked, busy, error, run, close }: FormProps) {
  const [draft, setDraft] = useState(asked);
  const [tried, setTried] = useState(false);
  const chosen = new Map(draft.columns.map((one) => [one.column, one]));
  const change = (next: Map<string, ComparedColumn>) => {
    const compared = columns.map((column) => next.get(column.slug)).filter((one) => one !== undefined);
    setDraft({ ...draft, columns: compared, blocking: draft.blocking?.filter((slug) => !next.has(slug)) });
  };
  const set = (column: Column, one: ComparedColumn | undefined) => {
    const next = new Map(chosen);
    if (one) next.set(column.slug, one);
    else next.delete(column.slug);
    change(next);
  };
  const blockable = columns.filter((column) => !chosen.has(column.slug) && !column.encrypted && whyNot(column, types) === null);
  const nothing = draft.columns.length === 0;
  return (
    <form
      className="dup-form"
      aria-label={words.form.title}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!nothing) run({ ...draft, blocking: draft.blocking?.length ? draft.blocking : undefined });
      }}
    >
      <div className="sheet dup-columns-sheet">
        <table className="plain dup-columns">
          <thead>
            <tr>
              <th scope="col">{words.form.column}</th>
              <th scope="col">{words.form.how}</th>
              <th scope="col">{words.form.similarity}</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <ColumnLine key={column.id} column={column} why={whyNot(column, types)} one={chosen.get(column.slug)} set={(one) => set(column, one)} />
            ))}
          </tbody>
        </table>
      </div>
      <p className="hint">{words.form.hint[draft.columns.find((one) => one.compare === 'fuzzy')?.compare ?? draft.columns[0]?.compare ?? 'fuzzy']}</p>
      <details className="dup-details" open={(asked.blocking?.length ?? 0) > 0 || asked.caseSensitive}>
        <summary>{words.form.more}</summary>
        <div className="dup-more">
        <MultiSelect
          label={words.form.blocking}
          description={words.form.blockingHint}
          size="xs"
          searchable
          data={blockable.map((column) => ({ value: column.slug, label: column.name }))}
          value={draft.blocking ?? []}
          onChange={(blocking) => setDraft({ ...draft, blocking })}
        />
        <Checkbox
          size="xs"
          label={words.form.caseSensitive}
          description={words.form.caseHint}
          checked={draft.caseSensitive ?? false}
          onChange={(event) => setDraft({ ...draft, caseSensitive: event.currentTarget.checked || undefined })}
        />
        </div>
      </details>
      {tried && nothing && (
        <p className="field-error" role="alert">
          {words.form.noColumn}
        </p>
      )}
      <Problem error={error} />
      <Group gap="xs" mt="sm">
        <Button type="submit" size="sm" loading={busy} leftSection={<Search size={15} />}>
          {words.form.run}
        </Button>
        <Button variant="default" size="sm" leftSection={<RotateCcw size={14} />} onClick={() => setDraft(proposed(columns, types))}>
          {words.form.reset}
        </Button>
        {close && (
          <Button variant="default" size="sm" onClick={close}>
            {text.common.cancel}
          </Button>
        )}
      </Group>
    </form>
  );
}

interface LineProps {
  column: Column;
  why: string | null;
  one: ComparedColumn | undefined;
  set: (one: ComparedColumn | undefined) => void;
}

function ColumnLine({ column, why, one, set }: LineProps) {
  const Icon = kindOfColumn(column).icon;
  const similarity = one?.similarity ?? SIMILARITY;
  const toPercent = (percent: number) => one && set({ ...one, similarity: Math.min(100, Math.max(0, percent)) / 100 });
  return (
    <tr data-off={why !== null || undefined}>
      <td>
        <Checkbox
          size="xs"
          disabled={why !== null}
          checked={one !== undefined}
          aria-label={words.form.use(column.name)}
          label={
            <span className="with-icon">
              <Icon size={14} aria-hidden className="head-icon" /> {column.name}
            </span>
          }
          description={why ?? (column.encrypted ? words.form.onlyExact : undefined)}
          onChange={(event) => set(event.currentTarget.checked ? asLike(column) : undefined)}
        />
      </td>
      <td>
        {one && (
          <NativeSelect
            size="xs"
            aria-label={words.form.howOf(column.name)}
            disabled={comparesOf(column).length === 1}
            data={comparesOf(column).map((compare) => ({ value: compare, label: words.form.compare[compare] }))}
            value={one.compare}
            onChange={(event) => {
              const compare = event.currentTarget.value as Compare;
              set({ column: column.slug, compare, ...(compare === 'fuzzy' ? { similarity } : {}) });
            }}
          />
        )}
      </td>
      <td>
        {one?.compare === 'fuzzy' && (
          <span className="dup-similarity">
            <input
              type="range"
              min={50}
              max={100}
              step={1}
              aria-label={words.form.similarityOf(column.name)}
              value={wholePercent(similarity)}
              onChange={(event) => toPercent(Number(event.currentTarget.value))}
            />
            <NumberInput
              size="xs"
              w={76}
              min={0}
              max={100}
              suffix=" %"
              allowDecimal={false}
              aria-label={words.form.similarityPercent(column.name)}
              value={wholePercent(similarity)}
              onChange={(value) => value !== '' && toPercent(Number(value))}
            />
          </span>
        )}
        {one && one.compare !== 'fuzzy' && (
          <Text size="xs" c="dimmed">
            {words.form.hint[one.compare]}
          </Text>
        )}
      </td>
    </tr>
  );
}
