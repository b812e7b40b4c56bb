// The input for one field in a form. Text kinds hand back the text; the form parses it when it is sent.
import { ActionIcon, MultiSelect, Rating, Select, Switch, Textarea, TextInput, type ComboboxParsedItem } from '@mantine/core';
import { X } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { FieldColumn as Column } from '../api/wire';
import { Picker } from '../grid/Editor';
import { ratingMax } from '../grid/cells';
import { text } from '../text/en';
import { useChoices } from './links';
import { findOption, kindOfColumn, valueText } from './registry';

interface Props {
  column: Column;
  value: unknown;
  change: (value: unknown) => void;
  label?: string;
  error?: ReactNode;
  readOnly?: boolean;
  id?: string;
  onBlur?: () => void;
}

const PICKERS: Record<string, string> = { date: 'date', dateTime: 'datetime-local', time: 'time' };

export function FieldInput({ column, value, change, label, error, readOnly, id, onBlur }: Props) {
  const kind = kindOfColumn(column);
  const off = readOnly || kind.editor === 'none';
  const shared = {
    id,
    label: label ?? column.name,
    description: column.description || undefined,
    error,
    required: column.validation?.required && !off,
    withAsterisk: column.validation?.required && !off,
    onBlur,
  };
  const typed = typeof value === 'string' ? value : valueText(value, column);
  switch (off ? 'none' : kind.editor) {
    case 'check':
      return (
        <Switch
          {...shared}
          checked={value === true}
          onChange={(event) => change(event.currentTarget.checked)}
          required={false}
        />
      );
    case 'select': {
      const chosen = value === null || value === undefined ? null : (findOption(column, value)?.id ?? String(value));
      return (
        <Select
          {...shared}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': text.common.clear }}
          placeholder={text.fields.findOption}
          nothingFoundMessage={text.fields.noMatch}
          data={(column.options ?? []).map((option) => ({ value: option.id, label: option.name }))}
          value={chosen}
          onChange={change}
        />
      );
    }
    case 'multi': {
      const chosen = Array.isArray(value) ? value.map((one) => findOption(column, one)?.id ?? String(one)) : [];
      return (
        <MultiSelect
          {...shared}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': text.common.clear }}
          placeholder={chosen.length === 0 ? text.fields.findOption : undefined}
          nothingFoundMessage={text.fields.noMatch}
          data={(column.options ?? []).map((option) => ({ value: option.id, label: option.name }))}
          value={chosen}
          onChange={(next) => change(next.length > 0 ? next : null)}
        />
      );
    }
    case 'link':
    case 'links':
      return <LinkInput {...shared} column={column} value={value} change={change} multiple={kind.editor === 'links'} />;
    case 'rating':
      return <RatingInput column={column} value={value} change={change} label={shared.label} error={error} />;
    case 'lines':
      return (
        <Textarea {...shared} autosize minRows={3} maxRows={14} value={typed} onChange={(event) => change(event.currentTarget.value)} />
      );
    case 'json':
      return (
        <Textarea
          {...shared}
          autosize
          minRows={3}
          maxRows={14}
          spellCheck={false}
          classNames={{ input: 'mono' }}
          placeholder={text.fields.placeholders.json}
          value={typed}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
    case 'none':
      return <TextInput {...shared} readOnly variant="filled" value={typed} placeholder={text.fields.computed} />;
    default: {
      const picker = PICKERS[kind.editor];
      return (
        <TextInput
          {...shared}
          inputMode={kind.inputMode}
          placeholder={text.fields.placeholders[kind.editor]}
          rightSection={picker ? <span className="form-pick"><Picker type={picker} value={typed} onPick={change} /></span> : undefined}
          value={typed}
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
    }
  }
}

function LinkInput(props: {
  column: Column;
  value: unknown;
  change: (value: unknown) => void;
  multiple: boolean;
  label: string;
  error?: ReactNode;
  id?: string;
  description?: string;
  required?: boolean;
  onBlur?: () => void;
}) {
  const { column, value, change, multiple, ...shared } = props;
  const ids = Array.isArray(value) ? value.map(String) : value === null || value === undefined ? [] : [String(value)];
  const [needle, setNeedle] = useState('');
  const { choices, nameOf, pending } = useChoices(column, needle, ids);
  const missing = ids.filter((id) => !choices.some((one) => one.id === id)).map((id) => ({ id, name: nameOf(id) }));
  const data = [...missing, ...choices].map((one) => ({ value: one.id, label: one.name }));
  const common = {
    ...shared,
    data,
    searchable: true,
    clearable: true,
    clearButtonProps: { 'aria-label': text.common.clear },
    nothingFoundMessage: pending ? text.fields.looking : text.fields.noMatch,
    // The server has chosen by what was typed.
    filter: ({ options }: { options: ComboboxParsedItem[] }) => options,
  };
  return multiple ? (
    <MultiSelect
      {...common}
      placeholder={ids.length === 0 ? text.fields.findRecord : undefined}
      searchValue={needle}
      onSearchChange={setNeedle}
      value={ids}
      onChange={(next) => change(next.length > 0 ? next : null)}
    />
  ) : (
    <Select
      {...common}
      placeholder={text.fields.findRecord}
      onSearchChange={(typed) => setNeedle(typed === nameOf(ids[0] ?? '') ? '' : typed)}
      value={ids[0] ?? null}
      onChange={change}
    />
  );
}

function RatingInput(props: { column: Column; value: unknown; change: (value: unknown) => void; label: string; error?: ReactNode }) {
  const value = typeof props.value === 'number' ? props.value : 0;
  return (
    <fieldset className="rating-field">
      <legend>{props.label}</legend>
      <span className="rating-row">
        <Rating
          count={ratingMax(props.column)}
          value={value}
          onChange={props.change}
          getSymbolLabel={(n) => text.fields.stars(n)}
        />
        {value > 0 && (
          <ActionIcon size={24} variant="subtle" color="gray" aria-label={text.common.clear} onClick={() => props.change(null)}>
            <X size={14} />
          </ActionIcon>
        )}
      </span>
      {props.error && <div className="field-error">{props.error}</div>}
    </fieldset>
  );
}
