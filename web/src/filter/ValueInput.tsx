// The input for a filter rule's value, by field type and operator.
import { MultiSelect, Select, TagsInput, TextInput, type ComboboxParsedItem } from '@mantine/core';
import { useState } from 'react';
import type { Column, FilterRule } from '../api/wire';
import { linksUsers, linkTable, useChoices } from '../fields/links';
import { kindOf } from '../fields/registry';
import { text } from '../text/en';
import { arityOf, type Filterable } from './model';

interface Props {
  rule: FilterRule;
  field: Filterable;
  change: (value: unknown) => void;
}

const NUMERIC = new Set(['number', 'rating', 'autoNumber']);
const DATES = new Set(['date', 'dateTime', 'createdTime', 'updatedTime']);

/** A number where that is exact, otherwise the text as typed; the server reads both. */
function typed(fieldType: string, raw: string): unknown {
  if (raw === '' || !NUMERIC.has(fieldType)) return raw;
  const n = Number(raw);
  return Number.isFinite(n) && String(n) === raw.trim() ? n : raw;
}

function One(props: { field: Filterable; value: unknown; label: string; change: (value: unknown) => void }) {
  const { fieldType } = props.field;
  const kind = kindOf(fieldType);
  return (
    <TextInput
      size="xs"
      className="filter-value"
      aria-label={props.label}
      placeholder={text.filter.value}
      type={DATES.has(fieldType) ? 'date' : fieldType === 'time' ? 'time' : 'text'}
      inputMode={kind.inputMode}
      value={props.value === undefined || props.value === null ? '' : String(props.value)}
      onChange={(event) => props.change(typed(fieldType, event.currentTarget.value))}
    />
  );
}

/** Records or people to choose from. */
function Links({ column, value, many, label, change }: { column: Column; value: unknown; many: boolean; label: string; change: (value: unknown) => void }) {
  const ids = Array.isArray(value) ? value.map(String) : filledText(value);
  const [needle, setNeedle] = useState('');
  const { choices, nameOf } = useChoices(column, needle, ids);
  const missing = ids.filter((id) => !choices.some((one) => one.id === id)).map((id) => ({ id, name: nameOf(id) }));
  const shared = {
    size: 'xs' as const,
    className: 'filter-value',
    'aria-label': label,
    searchable: true,
    data: [...missing, ...choices].map((one) => ({ value: one.id, label: one.name })),
    filter: ({ options }: { options: ComboboxParsedItem[] }) => options,
    comboboxProps: { withinPortal: false },
  };
  return many ? (
    <MultiSelect {...shared} searchValue={needle} onSearchChange={setNeedle} value={ids} onChange={change} />
  ) : (
    <Select {...shared} placeholder={text.fields.findRecord} onSearchChange={(typed) => setNeedle(typed === nameOf(ids[0] ?? '') ? '' : typed)} value={ids[0] ?? null} onChange={(id) => change(id ?? undefined)} />
  );
}

const filledText = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : []);

export function ValueInput({ rule, field, change }: Props) {
  const arity = arityOf(rule.operator);
  const label = text.filter.valueOf(field.name);
  const links = field.column && (linkTable(field.column) !== undefined || linksUsers(field.column));
  if (links && field.column && (arity === 'one' || arity === 'many')) {
    return <Links column={field.column} value={rule.value} many={arity === 'many'} label={label} change={change} />;
  }
  const options = field.column?.options?.map((option) => ({ value: option.id, label: option.name }));
  if (arity === 'none') return <span className="filter-value" />;
  if (arity === 'two') {
    const pair = Array.isArray(rule.value) ? rule.value : [undefined, undefined];
    return (
      <span className="filter-value filter-pair">
        <One field={field} label={text.filter.from(field.name)} value={pair[0]} change={(value) => change([value, pair[1]])} />
        <One field={field} label={text.filter.to(field.name)} value={pair[1]} change={(value) => change([pair[0], value])} />
      </span>
    );
  }
  if (arity === 'days') {
    return (
      <TextInput
        size="xs"
        className="filter-value"
        aria-label={label}
        placeholder={text.filter.days}
        inputMode="numeric"
        value={rule.value === undefined ? '' : String(rule.value)}
        onChange={(event) => change(typed('number', event.currentTarget.value))}
      />
    );
  }
  if (arity === 'many') {
    const value = Array.isArray(rule.value) ? rule.value.map(String) : [];
    return options ? (
      <MultiSelect size="xs" className="filter-value" aria-label={label} searchable data={options} value={value} onChange={change} comboboxProps={{ withinPortal: false }} />
    ) : (
      <TagsInput
        size="xs"
        className="filter-value"
        aria-label={label}
        placeholder={value.length === 0 ? text.filter.values : undefined}
        value={value}
        onChange={(values) => change(values.map((one) => typed(field.fieldType, one)))}
        comboboxProps={{ withinPortal: false }}
      />
    );
  }
  if (field.fieldType === 'boolean') {
    return (
      <Select
        size="xs"
        className="filter-value"
        aria-label={label}
        allowDeselect={false}
        data={[
          { value: 'true', label: text.fields.yes },
          { value: 'false', label: text.fields.no },
        ]}
        value={rule.value === false ? 'false' : 'true'}
        onChange={(value) => change(value === 'true')}
        comboboxProps={{ withinPortal: false }}
      />
    );
  }
  if (options && (rule.operator === 'eq' || rule.operator === 'neq')) {
    return (
      <Select
        size="xs"
        className="filter-value"
        aria-label={label}
        placeholder={text.filter.value}
        searchable
        data={options}
        value={typeof rule.value === 'string' ? rule.value : null}
        onChange={(value) => change(value ?? undefined)}
        comboboxProps={{ withinPortal: false }}
      />
    );
  }
  return <One field={field} label={label} value={rule.value} change={change} />;
}
