// The input for one field in a form, of any kind. Text kinds hand back the text; the form parses it when it is sent.
import { Input, MultiSelect, Select, type ComboboxParsedItem } from '@mantine/core';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import type { FieldColumn as Column } from '../api/wire';
import { text } from '../text/en';
import { useChoices } from './links';
import { aroundInput, PlainInput, type FieldProps } from './PlainInput';
import { kindOfColumn } from './registry';

const FilesInput = lazy(() => import('../files/FilesInput').then((all) => ({ default: all.FilesInput })));

export function FieldInput(props: FieldProps) {
  const { editor } = kindOfColumn(props.column);
  if (editor === 'files') {
    return (
      <Suspense fallback={<Input.Wrapper label={props.label ?? props.column.name} labelElement="div" />}>
        <FilesInput {...props} />
      </Suspense>
    );
  }
  if (props.readOnly || (editor !== 'link' && editor !== 'links')) return <PlainInput {...props} />;
  const { column, value, change } = props;
  return <LinkInput {...aroundInput(props)} column={column} value={value} change={change} multiple={editor === 'links'} />;
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
