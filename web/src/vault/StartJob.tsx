// Starting a job on all secrets. It is tried first unless somebody says otherwise: a dry run changes nothing.
import { Checkbox, Group, NumberInput, Select, Stack, Text } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { jobs as api } from '../api/jobs';
import { keys, queryClient } from '../api/queries';
import type { SecretsJobKind } from '../api/wire';
import { words } from '../text/vault';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { refreshVault } from './acts';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { MomentInput, NewPassword, SecretPassword } from './inputs';

/** What a job is to be, before it is started. */
export interface Draft {
  kind: SecretsJobKind;
  deletedBefore?: string;
  dryRun: boolean;
}

const FIELDS = ['oldPassword', 'newPassword', 'deletedBefore', 'batch', 'rowsPerSecond'] as const;
const MONTH_MS = 30 * 86_400_000;

/** A time as the browser's picker wants it, in the reader's own zone. */
function local(time: Date): string {
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function StartJob({ draft, close }: { draft?: Draft; close: () => void }) {
  const [kind, setKind] = useState<SecretsJobKind>(draft?.kind ?? 'rotateKey');
  const [dryRun, setDryRun] = useState(draft?.dryRun ?? true);
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const [before, setBefore] = useState(() =>
    local(draft?.deletedBefore ? new Date(draft.deletedBefore) : new Date(Date.now() - MONTH_MS)),
  );
  const [batch, setBatch] = useState<number | ''>('');
  const [rate, setRate] = useState<number | ''>('');
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const passwords = kind === 'changePassword';
  const dry = dryRun && kind !== 'verify';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      await api.start({
        kind,
        oldPassword: passwords ? old : undefined,
        newPassword: passwords ? next || undefined : undefined,
        deletedBefore: kind === 'purge' ? new Date(before).toISOString() : undefined,
        dryRun: dry,
        batch: batch === '' ? undefined : batch,
        rowsPerSecond: rate === '' ? undefined : rate,
      });
      await Promise.all([queryClient.invalidateQueries({ queryKey: keys.jobs }), refreshVault()]);
      show(words.jobs.started);
      close();
    });
  };
  const ready = !passwords || (old !== '' && next === again);
  const figure = (label: string, value: number | '', set: (value: number | '') => void, field: 'batch' | 'rowsPerSecond', hint?: string) => (
    <NumberInput
      label={label}
      description={hint}
      min={1}
      allowDecimal={false}
      hideControls
      value={value}
      error={at[field]}
      onChange={(entered) => set(typeof entered === 'number' ? entered : '')}
    />
  );
  return (
    <Dialog onClose={close} title={words.jobs.title}>
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Select
            label={words.jobs.kind}
            allowDeselect={false}
            data-autofocus
            data={words.jobs.kinds.map(([value, label]) => ({ value, label }))}
            value={kind}
            onChange={(value) => setKind((value ?? 'rotateKey') as SecretsJobKind)}
          />
          <Text size="sm" c="dimmed">
            {words.jobs.about1[kind]}
          </Text>
          {passwords && (
            <>
              <SecretPassword label={words.jobs.oldPassword} required value={old} onChange={setOld} error={at.oldPassword} />
              <NewPassword next={next} setNext={setNext} again={again} setAgain={setAgain} error={at.newPassword} />
            </>
          )}
          {kind === 'purge' && <MomentInput label={words.jobs.deletedBefore} value={before} error={at.deletedBefore} onChange={setBefore} />}
          {kind !== 'verify' && (
            <Checkbox size="xs" label={words.jobs.dryRun} checked={dryRun} onChange={(event) => setDryRun(event.currentTarget.checked)} />
          )}
          <details>
            <summary>{words.jobs.speed}</summary>
            <Group grow align="flex-end">
              {figure(words.jobs.batch, batch, setBatch, 'batch')}
              {figure(words.jobs.rate, rate, setRate, 'rowsPerSecond', words.jobs.rateHint)}
            </Group>
          </details>
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={dry ? words.jobs.runDry : words.jobs.run} busy={busy} disabled={!ready} danger={kind === 'purge' && !dry} />
        </Stack>
      </form>
    </Dialog>
  );
}
