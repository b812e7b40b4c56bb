// The fourth step: what becomes of rows that match records, of empty cells, of options that are lacking, and of bad rows.
import { Button, Checkbox, MultiSelect, Radio, Select, Stack, Text } from '@mantine/core';
import type { ImportChange, ImportDraft, ImportOptions, Table } from '../api/wire';
import { words } from '../text/imports';
import { Problem } from '../ui/states';
import { BackTo, StepFoot } from './Steps';
import { EXTERNAL_ID, fillable, KEY, missing, targetsOf } from './wizard';

const { rules: say } = words;

interface RulesProps {
  id: string;
  /** Whether a button was pressed that is not done yet. */
  going: boolean;
  draft: ImportDraft;
  table: Table | undefined;
  error: unknown;
  change: (body: ImportChange) => void;
  next: () => void;
}

export function RulesStep({ id, draft, table, going, error, change, next }: RulesProps) {
  const { options } = draft;
  const used = Object.values(targetsOf(draft, table));
  const set = (part: Partial<ImportOptions>) => change({ options: { ...options, ...part } });
  const choices = fillable(table).some((one) => used.includes(one.slug) && (one.fieldType === 'select' || one.fieldType === 'multiSelect'));
  const lacking = missing(targetsOf(draft, table), draft, table);
  const ofMapping = draft.problems.filter((one) => one.field.startsWith('mapping.'));
  return (
    <Stack gap="md" className="narrow">
      <fieldset className="config">
        <legend>{say.existing}</legend>
        {table ? <Existing draft={draft} table={table} used={used} set={set} /> : <Text size="sm">{say.newOnly}</Text>}
      </fieldset>
      {choices && (
        <fieldset className="config">
          <legend>{say.options}</legend>
          <Checkbox size="sm" label={say.createOptions} checked={options.createOptions ?? false} onChange={(event) => set({ createOptions: event.currentTarget.checked })} />
        </fieldset>
      )}
      <fieldset className="config">
        <legend>{say.errors}</legend>
        <Stack gap="xs">
          <Radio size="sm" name="on-error" label={say.skipBad} description={say.skipBadBody} checked={options.continueOnError ?? false} onChange={() => set({ continueOnError: true })} />
          <Radio size="sm" name="on-error" label={say.allOrNothing} description={say.allOrNothingBody} checked={!options.continueOnError} onChange={() => set({ continueOnError: false })} />
        </Stack>
      </fieldset>
      {lacking.length > 0 && <Problem error={new Error(words.map.missing(lacking.map((one) => one.name).join(', ')))} />}
      {ofMapping.length > 0 && <Problem error={new Error(`${words.check.problems} ${ofMapping.map((one) => one.message).join('; ')}`)} />}
      <StepFoot error={error} back={<BackTo id={id} step="map" />}>
        <Button disabled={draft.problems.length > 0 || lacking.length > 0} loading={going} onClick={next}>
          {words.check.run}
        </Button>
      </StepFoot>
    </Stack>
  );
}

interface ExistingProps {
  draft: ImportDraft;
  table: Table;
  used: string[];
  set: (part: Partial<ImportOptions>) => void;
}

function Existing({ draft, table, used, set }: ExistingProps) {
  const { options, problems } = draft;
  const matchOn = options.matchOn ?? [];
  const data = fillable(table).filter((one) => used.includes(one.slug) || matchOn.includes(one.slug)).map((one) => ({ value: one.slug, label: one.name }));
  for (const [slug, label] of [[KEY, words.map.key], [EXTERNAL_ID, words.map.externalId]] as const) {
    if (used.includes(slug) && !data.some((one) => one.value === slug)) data.push({ value: slug, label });
  }
  const wrong = problems.filter((one) => !one.field.startsWith('mapping.')).map((one) => one.message);
  return (
    <Stack gap="sm">
      <MultiSelect
        size="sm"
        label={say.matchOn}
        description={say.matchOnBody}
        placeholder={matchOn.length === 0 ? say.matchNone : undefined}
        error={wrong.length > 0 ? wrong.join('; ') : undefined}
        data={data}
        value={matchOn}
        onChange={(next) =>
          set({ matchOn: next.length > 0 ? next : null, updateExisting: next.length > 0, ...(next.length === 0 ? { updateOnly: false } : {}) })
        }
      />
      {matchOn.length > 0 && (
        <>
          <Checkbox size="sm" label={say.updateOnly} checked={options.updateOnly ?? false} onChange={(event) => set({ updateOnly: event.currentTarget.checked })} />
          <Select
            size="sm"
            label={say.many}
            allowDeselect={false}
            data={Object.entries(say.manys).map(([value, label]) => ({ value, label }))}
            value={options.onMany ?? 'error'}
            onChange={(value) => value && set({ onMany: value as ImportOptions['onMany'] })}
          />
          <Select
            size="sm"
            label={say.blank}
            allowDeselect={false}
            data={Object.entries(say.blanks).map(([value, label]) => ({ value, label }))}
            value={options.blank ?? 'keep'}
            onChange={(value) => value && set({ blank: value as ImportOptions['blank'] })}
          />
        </>
      )}
    </Stack>
  );
}
