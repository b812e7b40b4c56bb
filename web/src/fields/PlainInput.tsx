// The input for one field whose value stands by itself. Text kinds hand back the text; the form parses it when it is sent. What names
// other records or people is FieldInput's: it asks the server.
import { ActionIcon, MultiSelect, Rating, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { FieldColumn as Column, FileFacts } from '../api/wire';
import { text } from '../text/en';
import { picked, Picker, pickerValue } from './Picker';
import { findOption, kindOfColumn, ratingMax, valueText } from './registry';

export interface FieldProps {
  column: Column;
  value: unknown;
  change: (value: unknown) => void;
  label?: string;
  error?: ReactNode;
  readOnly?: boolean;
  id?: string;
  onBlur?: () => void;
  /** Dates and times by the browser's own input alone, for people who know no other way to write them. */
  native?: boolean;
  /** What the server says of the files that the value names. */
  described?: readonly FileFacts[];
  /** How many files are on the way that the value will name. */
  sending?: (count: number) => void;
}

const PICKERS: Record<string, string> = { date: 'date', dateTime: 'datetime-local', time: 'time' };

/** What stands around any input: label, help, error. */
export function aroundInput({ column, label, error, readOnly, id, onBlur }: FieldProps) {
  const off = readOnly || kindOfColumn(column).editor === 'none';
  const required = column.validation?.required && !off;
  return { id, label: label ?? column.name, description: column.description || undefined, error, required, withAsterisk: required, onBlur };
}

export function PlainInput(props: FieldProps) {
  const { column, value, change, readOnly } = props;
  const kind = kindOfColumn(column);
  const off = readOnly || kind.editor === 'none';
  const shared = aroundInput(props);
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
    case 'rating':
      return <RatingInput {...shared} column={column} value={value} change={change} />;
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
      if (picker && props.native) {
        return <TextInput {...shared} type={picker} value={pickerValue(picker, typed)} onChange={(event) => change(picked(picker, event.currentTarget.value))} />;
      }
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

interface RatingProps {
  column: Column;
  value: unknown;
  change: (value: unknown) => void;
  label: string;
  error?: ReactNode;
  description?: string;
  withAsterisk?: boolean;
  id?: string;
}

function RatingInput(props: RatingProps) {
  const value = typeof props.value === 'number' ? props.value : 0;
  return (
    <fieldset className="rating-field" id={props.id} tabIndex={-1} aria-describedby={props.error ? `${props.id}-error` : undefined}>
      <legend>
        {props.label}
        {props.withAsterisk && <span className="field-error"> *</span>}
      </legend>
      {props.description && <p className="field-help">{props.description}</p>}
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
      {props.error && <div id={`${props.id}-error`} className="field-error">{props.error}</div>}
    </fieldset>
  );
}
