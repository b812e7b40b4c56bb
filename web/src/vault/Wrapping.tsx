// Handing a value over: wrapped into a token that gives it once, and taken by whoever got that token.
import { Button, Radio, Group, Stack, Text } from '@mantine/core';
import { TriangleAlert } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { useNames } from '../api/queries';
import { vault } from '../api/vault';
import type { SecretInfo, SecretWrapInfo } from '../api/wire';
import { words } from '../text/vault';
import { ago, when } from '../ui/time';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { Dialog, HELD } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { expiryOf, ExpiryInput, Hidden, SecretPassword, type Expiry } from './inputs';
import { handleOf, nameOf } from './names';
import { Shown, type Value } from './Shown';
import { useLook } from './token';
import { TokenOnce, type Once } from './TokenOnce';

const FIELDS = ['value', 'token', 'password', 'expiresAt'] as const;

export function HandOver({ secret, close, made }: { secret?: SecretInfo; close: () => void; made: () => void }) {
  const [once, setOnce] = useState<Once | null>(null);
  const [source, setSource] = useState(secret ? 'secret' : 'value');
  const [value, setValue] = useState('');
  const [token, setToken] = useState('');
  const [password, setPassword] = useState('');
  const [expiry, setExpiry] = useState<Expiry>({ choice: '86400', exact: '' });
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const look = useLook(secret);
  const at = issuesAt(error, FIELDS);
  const ofSecret = source === 'secret';
  const limited = secret?.readsLeft != null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      if (ofSecret && secret) await look(token);
      const over = expiryOf(expiry);
      const wrapped = ofSecret
        ? await vault.wrapToken(token, password || undefined, over)
        : await vault.wrapValue(value, over);
      setValue('');
      setToken('');
      setPassword('');
      setOnce({ token: wrapped.token });
      made();
    });
  };
  if (once) {
    return (
      <Dialog onClose={close} title={words.once.title} size="lg" {...HELD}>
        <TokenOnce once={once} body={words.once.wrapBody} close={close} />
      </Dialog>
    );
  }
  return (
    <Dialog onClose={close} title={secret ? words.wrapping.titleOf(nameOf(secret)) : words.wrapping.title} size="lg">
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Text size="sm">{words.wrapping.body}</Text>
          {!secret && (
            <Radio.Group label={words.wrapping.what} value={source} onChange={setSource}>
              <Group mt={4} gap="lg">
                <Radio size="xs" value="value" label={words.wrapping.aValue} />
                <Radio size="xs" value="secret" label={words.wrapping.aSecret} />
              </Group>
            </Radio.Group>
          )}
          {ofSecret ? (
            <>
              <Hidden label={words.fields.token} description={limited ? undefined : words.wrapping.readNote} required first value={token} onChange={setToken} error={at.token} />
              <SecretPassword label={words.fields.passwordOf} description={secret?.hasPassword ? words.fields.passwordRequired : words.fields.passwordProof} value={password} onChange={setPassword} error={at.password} />
              {limited && (
                <p className="warning">
                  <TriangleAlert size={16} aria-hidden /> {words.reveal.limited(secret.readsLeft ?? 0, secret.maxReads ?? null)}
                </p>
              )}
            </>
          ) : (
            <Hidden label={words.fields.value} description={words.fields.valueHint} required lines first value={value} onChange={setValue} error={at.value} />
          )}
          <ExpiryInput value={expiry} onChange={setExpiry} error={at.expiresAt} />
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={words.wrapping.run} busy={busy} disabled={ofSecret ? token === '' : value === ''} />
        </Stack>
      </form>
    </Dialog>
  );
}

export function Take({ close, used }: { close: () => void; used: () => void }) {
  const [token, setToken] = useState('');
  const [info, setInfo] = useState<SecretWrapInfo | null>(null);
  const [value, setValue] = useState<Value | null>(null);
  const { busy, error, work, forget } = useWork();
  const form = useFocusRefused(error);
  const at = issuesAt(error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      const taken = await vault.unwrap(token);
      setToken('');
      setValue(taken);
      used();
    });
  };
  const hide = () => {
    setValue(null);
    show(words.reveal.hidden);
    close();
  };
  if (value) {
    return (
      <Dialog onClose={hide} title={words.taking.title} size="lg" closeOnClickOutside={false}>
        <Shown value={value} hide={hide} />
      </Dialog>
    );
  }
  const lookFirst = () => work(async () => setInfo(await vault.wrapInfo(token)));
  return (
    <Dialog onClose={close} title={words.taking.title} size="lg">
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Hidden
            label={words.fields.token}
            description={words.taking.lookHint}
            required
            first
            value={token}
            onChange={(next) => {
              setToken(next);
              setInfo(null);
              forget();
            }}
            error={at.token}
          />
          {info && <Wrapped info={info} />}
          {info?.status !== 'exhausted' && (
            <p className="warning">
              <TriangleAlert size={16} aria-hidden /> {words.taking.warn}
            </p>
          )}
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={words.taking.run} busy={busy} disabled={token === ''}>
            <Button variant="default" disabled={token === '' || busy} onClick={() => void lookFirst()}>
              {words.taking.look}
            </Button>
          </FormFoot>
        </Stack>
      </form>
    </Dialog>
  );
}

function Wrapped({ info }: { info: SecretWrapInfo }) {
  const nameOfActor = useNames();
  const facts: [string, string, string?][] = [
    [words.taking.wrapped, ago(info.createdAt), when(info.createdAt)],
    [words.taking.by, nameOfActor(info.createdBy)],
    [words.taking.expires, info.expiresAt ? when(info.expiresAt) : words.taking.never],
  ];
  if (info.origin) facts.push([words.taking.origin, handleOf(info.origin), info.origin]);
  if (info.takenAt) facts.push([words.taking.taken, ago(info.takenAt), when(info.takenAt)]);
  return (
    <div role="status">
      <Text size="sm" fw={600} mb={6}>
        {info.status === 'live' ? words.taking.lookedLive : words.taking.lookedGone}
      </Text>
      <dl className="facts">
        {facts.map(([name, value, title]) => (
          <div key={name} title={title}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
