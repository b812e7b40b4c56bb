// Putting a value away. Its token is shown once, and neither it nor the value is kept when the dialog closes.
import { NumberInput, Radio, Group, Stack } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { vault } from '../api/vault';
import { words } from '../text/vault';
import { useWork } from '../ui/work';
import { Dialog, HELD } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { expiryOf, ExpiryInput, Hidden, metadataOf, MetadataInput, SecretPassword, type Expiry, type Pair } from './inputs';
import { TokenOnce, type Once } from './TokenOnce';

const FIELDS = ['value', 'token', 'password', 'expiresAt', 'maxReads', 'metadata'] as const;

export function CreateSecret({ close, made }: { close: () => void; made: () => void }) {
  const [once, setOnce] = useState<Once | null>(null);
  const [value, setValue] = useState('');
  const [custom, setCustom] = useState(false);
  const [token, setToken] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [differs, setDiffers] = useState(false);
  const [expiry, setExpiry] = useState<Expiry>({ choice: '', exact: '' });
  const [reads, setReads] = useState<number | ''>('');
  const [pairs, setPairs] = useState<Pair[]>([['name', '']]);
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setDiffers(password !== again);
    if (password !== again) return;
    void work(async () => {
      const created = await vault.create({
        value,
        token: custom ? token : undefined,
        password: password || undefined,
        expiresAt: expiryOf(expiry),
        maxReads: reads === '' ? undefined : reads,
        metadata: metadataOf(pairs.filter(([name, value]) => name !== 'name' || value !== '')),
      });
      setValue('');
      setToken('');
      setPassword('');
      setAgain('');
      setOnce({ token: created.token, id: created.id, withPassword: password !== '' });
      made();
    });
  };
  if (once) {
    return (
      <Dialog onClose={close} title={words.once.title} size="lg" {...HELD}>
        <TokenOnce once={once} body={words.once.body} close={close} />
      </Dialog>
    );
  }
  return (
    <Dialog onClose={close} title={words.create.title} size="lg" closeOnClickOutside={value === ''} closeOnEscape={value === ''}>
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Hidden label={words.fields.value} description={words.fields.valueHint} required lines first value={value} onChange={setValue} error={at.value} />
          <MetadataInput pairs={pairs} onChange={setPairs} error={at.metadata} />
          <ExpiryInput value={expiry} onChange={setExpiry} error={at.expiresAt} />
          <NumberInput
            label={words.fields.maxReads}
            description={words.fields.maxReadsHint}
            min={1}
            allowDecimal={false}
            allowNegative={false}
            hideControls
            value={reads}
            error={at.maxReads}
            onChange={(next) => setReads(typeof next === 'number' ? next : '')}
          />
          <SecretPassword
            label={words.fields.newPassword}
            description={words.fields.newPasswordHint}
            value={password}
            onChange={setPassword}
            error={at.password}
          />
          {password !== '' && (
            <SecretPassword
              label={words.fields.again}
              value={again}
              onChange={(next) => {
                setAgain(next);
                setDiffers(false);
              }}
              error={differs ? words.fields.differs : undefined}
            />
          )}
          <Radio.Group label={words.fields.choice} value={custom ? 'custom' : 'drawn'} onChange={(next) => setCustom(next === 'custom')}>
            <Group mt={4} gap="lg">
              <Radio size="xs" value="drawn" label={words.fields.drawn} />
              <Radio size="xs" value="custom" label={words.fields.custom} />
            </Group>
          </Radio.Group>
          {custom && (
            <Hidden label={words.fields.token} description={words.fields.customHint} required value={token} onChange={setToken} error={at.token} />
          )}
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={words.create.run} busy={busy} disabled={value === '' || (custom && token === '')} />
        </Stack>
      </form>
    </Dialog>
  );
}
