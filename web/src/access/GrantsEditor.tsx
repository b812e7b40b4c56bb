// What somebody may do where, place by place: table or workspace, what may be done there, which columns, which records. Sends nothing.
import { ActionIcon, Button, NativeSelect, Select } from '@mantine/core';
import { Plus, X } from 'lucide-react';
import { useRef } from 'react';
import { useTable, useFieldTypes } from '../api/queries';
import { ApiError } from '../api/http';
import { addressOf } from '../api/places';
import type { Scope, Table } from '../api/wire';
import { FilterPanel } from '../filter/FilterPanel';
import { filterable } from '../filter/model';
import '../styles/grants.css';
import { words } from '../text/grants';
import { grantsOf, newPlace, waits, type Place } from './places';
import { grantsInWords, placeName, type Known } from './sentence';
import { useKnown } from './useKnown';

interface Props {
  places: Place[];
  change: (places: Place[]) => void;
  error: unknown;
  /** Whether they are of a key, not of a person. */
  ofKey?: boolean;
  /** Whether nothing is seen but what is said here. */
  closed?: boolean;
}

export function GrantsEditor({ places, change, error, ofKey, closed }: Props) {
  const { grants, from } = grantsOf(places);
  const known = useKnown(grants);
  const errors = new Map<number, string>();
  for (const issue of error instanceof ApiError ? error.issues : []) {
    const at = from[Number(/^grants\.(\d+)/.exec(issue.field ?? '')?.[1] ?? NaN)];
    if (at !== undefined) errors.set(at, issue.message);
  }
  const put = (i: number, place: Place) => change(places.map((old, j) => (i === j ? place : old)));
  const list = useRef<HTMLFieldSetElement>(null);
  const add = () => {
    change([...places, newPlace()]);
    // Which place it is comes next.
    setTimeout(() => list.current?.querySelector<HTMLInputElement>('.grant:last-of-type input')?.focus());
  };
  return (
    <fieldset className="grants" ref={list}>
      <legend>{words.title}</legend>
      <p className="dimmed">{places.length > 0 ? words.about : closed ? words.noneAtAll : ofKey ? words.noneKey : words.none}</p>
      {places.map((place, i) => (
        <PlaceRow key={i} i={i} place={place} others={places.filter((_, j) => j !== i)} known={known} error={errors.get(i)} put={(next) => put(i, next)} drop={() => change(places.filter((_, j) => j !== i))} />
      ))}
      <Button size="compact-sm" variant="default" leftSection={<Plus size={13} />} onClick={add}>
        {words.add}
      </Button>
    </fieldset>
  );
}

interface RowProps {
  i: number;
  place: Place;
  others: Place[];
  known: Known;
  error?: string;
  put: (place: Place) => void;
  drop: () => void;
}

function PlaceRow({ i, place, others, known, error, put, drop }: RowProps) {
  const free = (kind: Place['kind']) => (one: { id: string }) => !others.some((other) => other.kind === kind && other.id === one.id);
  const items = (kind: 'table' | 'workspace', all: { id: string; name: string }[]) => all.filter(free(kind)).map((one) => ({ value: `${kind} ${one.id}`, label: one.name }));
  const data = [
    { group: words.tables, items: items('table', known.tables.map((one) => ({ id: one.id, name: placeName(one, known.workspaces) }))) },
    { group: words.workspaces, items: items('workspace', known.workspaces) },
  ];
  const table = known.tables.find((one) => place.kind === 'table' && one.id === place.id);
  const name = table?.name ?? known.workspaces.find((one) => one.id === place.id)?.name ?? words.place(i + 1);
  const scopes = place.kind === 'table' ? [['', words.asAround] as [string, string], ...words.scopes] : words.scopes;
  const { grants } = grantsOf([place]);
  const said = grantsInWords(grants, known).join('; ');
  return (
    <div className="grant" role="group" aria-label={name} data-wrong={error ? true : undefined}>
      <div className="grant-line">
        <Select
          size="xs"
          className="grow"
          aria-label={words.place(i + 1)}
          placeholder={words.placeHint}
          searchable
          allowDeselect={false}
          data={data}
          value={place.kind === '' ? null : `${place.kind} ${place.id}`}
          onChange={(chosen) => {
            const [kind, id = ''] = (chosen ?? '').split(' ');
            put({ ...newPlace(), scope: place.scope === '' && kind === 'workspace' ? 'read' : place.scope, kind: kind as Place['kind'], id });
          }}
        />
        <NativeSelect
          size="xs"
          aria-label={words.may(name)}
          data={scopes.map(([value, label]) => ({ value, label }))}
          value={place.scope}
          onChange={(event) => put({ ...place, scope: event.currentTarget.value as Scope | '' })}
        />
        <ActionIcon variant="subtle" color="gray" aria-label={words.remove(name)} onClick={drop}>
          <X size={15} />
        </ActionIcon>
      </div>
      {table && place.scope !== 'none' && <Narrow table={table} place={place} put={put} />}
      {waits(place) && <div className="field-error">{words.unfinished}</div>}
      {error && (
        <div className="field-error" role="alert">
          {error}
        </div>
      )}
      <p className="grant-said">{place.kind === '' ? words.nothingYet : said}</p>
    </div>
  );
}

/** What of a table is kept back: columns, records. */
function Narrow({ table, place, put }: { table: Table; place: Place; put: (place: Place) => void }) {
  const columns = useTable(addressOf(table)).data?.columns ?? [];
  const types = useFieldTypes();
  const set = (slug: string, scope: string) => {
    const { [slug]: _old, ...rest } = place.columns;
    put({ ...place, columns: scope === '' ? rest : { ...rest, [slug]: scope as Scope } });
  };
  return (
    <details className="grant-narrow">
      <summary aria-label={words.narrowOf(table.name)}>{words.narrow}</summary>
      <div className="label">{words.columns}</div>
      <ul className="grant-columns">
        {columns.map((column) => (
          <li key={column.id}>
            <span className="cut">{column.name}</span>
            <NativeSelect
              size="xs"
              aria-label={words.columnOf(column.name)}
              data={words.column.map(([value, label]) => ({ value, label }))}
              value={place.columns[column.slug] ?? ''}
              onChange={(event) => set(column.slug, event.currentTarget.value)}
            />
          </li>
        ))}
      </ul>
      {place.scope !== '' && (
        <>
          <div className="label">{words.records}</div>
          <FilterPanel fields={filterable(columns)} types={types.data} filter={place.filter} change={(filter) => put({ ...place, filter })} empty={words.everything} />
        </>
      )}
    </details>
  );
}
