// Changes of a secret by its token: another value, another password, another expiry, deletion. The token and the password are the proof.
import { Radio, Group, Stack, Text } from '@mantine/core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { vault } from '../api/vault';
import type { SecretInfo } from '../api/wire';
import { words } from '../text/vault';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { expiryOf, ExpiryInput, Hidden, SecretPassword, type Expiry } from './inputs';
import { nameOf } from './names';
import { useLook } from './token';

export interface ChangeProps {
  secret?: SecretInfo;
  close: () => void;
  changed: () => void;
}

interface FormProps {
  title: string;
  body?: string;
  run: string;
  fields: readonly string[];
  ready: boolean;
  danger?: boolean;
  secret?: SecretInfo;
  /** What its password is called here, and why it is asked for. */
  passwordLabel?: string;
  passwordHint?: string;
  close: () => void;
  send: (token: string, password: string | undefined) => Promise<string>;
  changed: () => void;
  children?: (at: Record<string, string>) => ReactNode;
}

/** Token and password, what is to change, and a button. */
function TokenForm({ fields, secret, ...props }: FormProps) {
  const [token, setToken] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const look = useLook(secret);
  const all = ['token', 'password', ...fields];
  const at = issuesAt(error, all);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      if (secret) await look(token);
      const said = await props.send(token, password || undefined);
      show(said);
      props.changed();
      props.close();
    });
  };
  return (
    <Dialog onClose={props.close} title={props.title} size="lg">
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          {props.body && <Text size="sm">{props.body}</Text>}
          <Hidden label={words.fields.token} description={words.fields.tokenHint} required first value={token} onChange={setToken} error={at.token} />
          <SecretPassword
            label={props.passwordLabel ?? words.fields.passwordOf}
            description={secret?.hasPassword ? words.fields.passwordRequired : (props.passwordHint ?? words.fields.passwordProof)}
            value={password}
            onChange={setPassword}
            error={at.password}
          />
          {props.children?.(at)}
          <Refusal error={error} fields={all} />
          <FormFoot close={props.close} run={props.run} busy={busy} danger={props.danger} disabled={token === '' || !props.ready} />
        </Stack>
      </form>
    </Dialog>
  );
}

export function NewValue({ secret, ...props }: ChangeProps) {
  const [value, setValue] = useState('');
  return (
    <TokenForm
      {...props}
      secret={secret}
      title={secret ? words.change.title(nameOf(secret)) : words.change.titleByToken}
      body={words.change.body}
      run={words.change.run}
      fields={['value']}
      ready={value !== ''}
      send={async (token, password) => {
        const { version } = await vault.update(token, value, password);
        return words.change.done(version);
      }}
    >
      {(at) => (
        <Hidden
          label={words.fields.value}
          description={secret?.hasPassword ? words.change.anyPassword : words.fields.valueHint}
          required
          lines
          value={value}
          onChange={setValue}
          error={at.value}
        />
      )}
    </TokenForm>
  );
}

export function OtherPassword({ secret, ...props }: ChangeProps) {
  const [remove, setRemove] = useState(false);
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const differs = again !== '' && again !== next;
  return (
    <TokenForm
      {...props}
      secret={secret}
      title={secret ? words.password.title(nameOf(secret)) : words.password.titleByToken}
      run={remove ? words.password.removeRun : words.password.run}
      fields={['newPassword']}
      ready={remove || (next !== '' && next === again)}
      danger={remove}
      passwordLabel={words.password.old}
      passwordHint={words.password.oldHint}
      send={async (token, password) => {
        await vault.changePassword(token, password, remove ? null : next);
        return remove ? words.password.removed : words.password.done;
      }}
    >
      {(at) => (
        <>
          <Radio.Group label={words.password.mode} value={remove ? 'remove' : 'set'} onChange={(mode) => setRemove(mode === 'remove')}>
            <Group mt={4} gap="lg">
              <Radio size="xs" value="set" label={words.password.set} />
              <Radio size="xs" value="remove" label={words.password.remove} />
            </Group>
          </Radio.Group>
          {!remove && (
            <>
              <SecretPassword label={words.fields.newPassword} required value={next} onChange={setNext} error={at.newPassword} />
              <SecretPassword label={words.fields.again} required value={again} onChange={setAgain} error={differs ? words.fields.differs : undefined} />
            </>
          )}
        </>
      )}
    </TokenForm>
  );
}

export function RenewByToken({ secret, ...props }: ChangeProps) {
  const [expiry, setExpiry] = useState<Expiry>({ choice: '2592000', exact: '' });
  return (
    <TokenForm
      {...props}
      secret={secret}
      title={words.byToken.renew}
      body={words.renewing.body}
      run={words.renewing.run}
      fields={['expiresAt']}
      ready
      send={async (token, password) => {
        await vault.renewByToken(token, expiryOf(expiry), password);
        return words.renewing.done(1);
      }}
    >
      {(at) => <ExpiryInput value={expiry} onChange={setExpiry} error={at.expiresAt} />}
    </TokenForm>
  );
}

export function DeleteByToken({ secret, ...props }: ChangeProps) {
  return (
    <TokenForm
      {...props}
      secret={secret}
      title={words.removing.byToken}
      body={words.removing.body}
      run={words.delete}
      fields={[]}
      ready
      danger
      send={async (token, password) => {
        await vault.removeByToken(token, password);
        return words.removing.done(1);
      }}
    />
  );
}
