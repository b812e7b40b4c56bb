// Adds or edits one column: name, type with its settings, constraints, options.
import { Button, Checkbox, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { lazy, Suspense, useMemo, useState } from 'react';
import { columns as api } from '../api/endpoints';
import { ApiError } from '../api/http';
import { addressOf } from '../api/places';
import { useFieldTypes } from '../api/queries';
import type { Column, ColumnCreate, ColumnMask, ColumnUpdate, FieldColumn, FieldType, Table } from '../api/wire';
import { FieldInput } from '../fields/FieldInput';
import { FILE_TYPES, namesFiles } from '../files/facts';
import { kindOfColumn, parseText, sameValue } from '../fields/registry';
import { text } from '../text/en';
import { Dialog } from '../ui/Dialog';
import { Failure, Loading, Problem } from '../ui/states';
import { useWork } from '../ui/work';
import { ColumnJobButtons } from './ColumnJobButtons';
import type { ColumnAct } from './ColumnJobDialog';
import { ConfigInputs } from './ConfigInputs';
import { mayChangeType, mayMerge } from './acts';
import { maskChoices, mayEncrypt } from './encryption';
import { useSuggestions } from './suggestions';
import { OptionsEditor, type DraftOption } from './OptionsEditor';
import { TypePicker } from './TypePicker';
import { saveOptions } from './saveOptions';

const FileSettings = lazy(() => import('./FileSettings'));

interface ModalProps {
  table: Table;
  column?: Column;
  close: () => void;
  saved: () => void;
  /** Called when something else is to be done with the column instead. */
  start: (kind: ColumnAct) => void;
}

interface Draft {
  name: string;
  description: string;
  fieldType: string;
  config: Record<string, unknown>;
  required: boolean;
  unique: boolean;
  customErrorMessage: string;
  indexed: boolean;
  defaultValue: unknown;
  options: DraftOption[];
  encrypted: boolean;
  mask: ColumnMask;
}

function draftOf(column: Column | undefined): Draft {
  return {
    name: column?.name ?? '',
    description: column?.description ?? '',
    fieldType: column?.fieldType ?? 'text',
    config: column?.config ?? {},
    required: column?.validation?.required ?? false,
    unique: column?.validation?.unique ?? false,
    customErrorMessage: column?.validation?.customErrorMessage ?? '',
    indexed: column?.indexed ?? false,
    defaultValue: column?.defaultValue ?? null,
    options: (column?.options ?? []).map((one) => ({ ...one, key: one.id })),
    encrypted: column?.encrypted != null,
    mask: column?.encrypted?.mask ?? 'full',
  };
}

export function ColumnModal({ table, column, close, saved, start }: ModalProps) {
  const types = useFieldTypes();
  const [draft, setDraft] = useState<Draft>(() => draftOf(column));
  const [picking, setPicking] = useState(column === undefined);
  const { busy, error, work } = useWork();
  const type = types.data?.find((one) => one.id === draft.fieldType);
  const always = type?.flags.encrypted === true;
  const encrypted = draft.encrypted || always;
  const set = (change: Partial<Draft>) => setDraft((old) => ({ ...old, ...change }));
  const probe = useMemo<FieldColumn>(
    () => ({
      slug: 'default',
      name: text.columns.default,
      fieldType: draft.fieldType,
      config: draft.config,
      options: draft.options.map(({ key, id, name, color }, orderIndex) => ({ id: id ?? key, name, color, orderIndex })),
    }),
    [draft.fieldType, draft.config, draft.options],
  );
  const issue = (field: string) =>
    error instanceof ApiError ? error.issues.find((one) => one.field === field)?.message : undefined;

  const suggest = useSuggestions(table, draft.fieldType, draft.config);

  const submit = async () => {
    const defaultValue = readDefault(draft.defaultValue, probe);
    if (!column) await api.create(addressOf(table), created(draft, type, defaultValue));
    else {
      const input = changed(draft, column, defaultValue);
      if (Object.keys(input).length > 0) await api.update(addressOf(table), column.id, input);
      if (type?.flags.needsOptions) await saveOptions(addressOf(table), column, draft.options);
    }
    saved();
  };
  return (
    <Dialog
      onClose={close}
      size="lg"
      title={column ? text.columns.editTitle(column.name) : text.columns.addTitle}
    >
      {types.isPending && <Loading rows={5} />}
      {types.isError && <Failure error={types.error} retry={() => void types.refetch()} />}
      {types.data && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void work(submit);
          }}
        >
          <Stack gap="md">
            <TextInput
              label={text.columns.name}
              required
              data-autofocus
              value={draft.name}
              error={issue('name')}
              onChange={(event) => set({ name: event.currentTarget.value })}
            />
            {column ? (
              <OwnType column={column} name={type?.name ?? column.fieldType} dirty={isDirty(draft, column)} start={start} />
            ) : (
              <TypePicker
                types={types.data}
                refused={table.settings.enableAttachments === false ? noFiles : undefined}
                value={draft.fieldType}
                open={picking}
                setOpen={setPicking}
                change={(fieldType) => set({ fieldType, config: {}, defaultValue: null })}
              />
            )}
            {type?.flags.needsOptions && <OptionsEditor options={draft.options} change={(options) => set({ options })} />}
            {namesFiles(draft) && (
              <Suspense fallback={<Loading rows={2} />}>
                <FileSettings fieldType={draft.fieldType} config={draft.config} change={(config) => set({ config })} issue={issue} />
              </Suspense>
            )}
            {type && !namesFiles(draft) && <ConfigInputs schema={type.configSchema} config={draft.config} change={(config) => set({ config })} suggest={suggest} issue={issue} />}
            <Group gap="lg">
              {!type?.flags.computed && (
                <Checkbox size="sm" label={text.columns.required} checked={draft.required} onChange={(event) => set({ required: event.currentTarget.checked })} />
              )}
              {type?.flags.supportsUnique && (
                <Checkbox size="sm" label={text.columns.unique} checked={draft.unique} onChange={(event) => set({ unique: event.currentTarget.checked })} />
              )}
              {!type?.flags.related && (
                <Checkbox size="sm" label={text.columns.indexed} checked={draft.indexed} onChange={(event) => set({ indexed: event.currentTarget.checked })} />
              )}
            </Group>
            {!column && type && mayEncrypt(type) && (
              <Checkbox
                size="sm"
                label={text.columns.encrypted}
                description={always ? text.columns.encryptedAlways : text.columns.encryptedHint(draft.unique || draft.indexed)}
                disabled={always}
                checked={encrypted}
                onChange={(event) => set({ encrypted: event.currentTarget.checked, defaultValue: null })}
              />
            )}
            {!column && encrypted && (
              <Select
                label={text.columns.mask}
                data={maskChoices}
                value={draft.mask}
                allowDeselect={false}
                onChange={(mask) => mask && set({ mask: mask as ColumnMask })}
              />
            )}
            {type?.flags.supportsDefault && !type.flags.computed && !encrypted && (
              <FieldInput column={probe} value={draft.defaultValue} change={(defaultValue) => set({ defaultValue })} error={issue('defaultValue')} />
            )}
            {column && <ColumnJobButtons column={column} types={types.data} dirty={isDirty(draft, column)} start={start} />}
            {!type?.flags.computed && (
              <TextInput
                label={text.columns.errorMessage}
                description={text.columns.errorMessageHint}
                value={draft.customErrorMessage}
                error={issue('validation.customErrorMessage')}
                onChange={(event) => set({ customErrorMessage: event.currentTarget.value })}
              />
            )}
            <Textarea
              label={text.columns.description}
              autosize
              minRows={1}
              value={draft.description}
              onChange={(event) => set({ description: event.currentTarget.value })}
            />
            {column && (
              <Text size="xs" c="dimmed">
                {text.columns.slug} <code>{column.slug}</code>
              </Text>
            )}
            <Problem error={error} />
            <Group justify="flex-end" gap="xs" className="dialog-foot">
              <Button variant="default" onClick={close}>
                {text.common.cancel}
              </Button>
              <Button type="submit" loading={busy}>
                {column ? text.common.save : text.columns.add}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  );
}

/** The type of a column that is there, which changes with all values, in a dialog of its own; so do options that become one. */
function OwnType({ column, name, dirty, start }: { column: Column; name: string; dirty: boolean; start: (kind: ColumnAct) => void }) {
  const Icon = kindOfColumn(column).icon;
  return (
    <div>
      <div className="label">{text.columns.type}</div>
      <Group gap="xs">
        <span className="with-icon">
          <Icon size={16} aria-hidden /> {name}
        </span>
        {mayChangeType(column) && (
          <Button size="compact-sm" variant="default" disabled={dirty} onClick={() => start('changeType')}>
            {text.columns.changeType}
          </Button>
        )}
        {mayMerge(column) && (
          <Button size="compact-sm" variant="default" disabled={dirty} onClick={() => start('mergeOptions')}>
            {text.columns.mergeOptions}
          </Button>
        )}
        {dirty && (
          <Text size="xs" c="dimmed">
            {text.columns.saveFirst}
          </Text>
        )}
      </Group>
    </div>
  );
}

/** Why types of files cannot be chosen in a table that is to have none. */
const noFiles = new Map(Object.keys(FILE_TYPES).map((id) => [id, text.columns.noFiles]));

/** A default typed as text becomes a value, or is refused here already. */
function readDefault(value: unknown, probe: FieldColumn): unknown {
  if (typeof value !== 'string') return value;
  const parsed = parseText(value, probe);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

function created(draft: Draft, type: FieldType | undefined, defaultValue: unknown): ColumnCreate {
  const named = draft.options.filter((one) => one.name.trim() !== '').map(({ name, color }) => ({ name, color }));
  return {
    name: draft.name,
    fieldType: draft.fieldType,
    ...(draft.description ? { description: draft.description } : {}),
    ...(Object.keys(draft.config).length > 0 ? { config: draft.config } : {}),
    ...(draft.required || draft.unique || draft.customErrorMessage
      ? { validation: { required: draft.required, unique: draft.unique, customErrorMessage: draft.customErrorMessage || null } }
      : {}),
    ...(draft.indexed ? { indexed: true } : {}),
    ...(defaultValue !== null && defaultValue !== undefined ? { defaultValue } : {}),
    ...(type?.flags.needsOptions ? { options: named } : {}),
    ...(draft.encrypted || type?.flags.encrypted ? { encrypted: { mask: draft.mask, indexed: draft.unique || draft.indexed } } : {}),
  };
}

function isDirty(draft: Draft, column: Column): boolean {
  return !sameValue(draft, draftOf(column));
}

/** Only what differs from the column is sent, so that two people editing it do not overwrite each other. */
function changed(draft: Draft, column: Column, defaultValue: unknown): ColumnUpdate {
  const input: ColumnUpdate = {};
  const { required = false, unique = false, customErrorMessage } = column.validation;
  if (draft.name !== column.name) input.name = draft.name;
  if (draft.description !== (column.description ?? '')) input.description = draft.description || null;
  if (!sameValue(draft.config, column.config)) input.config = draft.config;
  if (draft.required !== required || draft.unique !== unique || draft.customErrorMessage !== (customErrorMessage ?? '')) {
    input.validation = { ...column.validation, required: draft.required, unique: draft.unique, customErrorMessage: draft.customErrorMessage || null };
  }
  if (draft.indexed !== column.indexed) input.indexed = draft.indexed;
  if (!sameValue(defaultValue, column.defaultValue)) input.defaultValue = defaultValue;
  return input;
}
