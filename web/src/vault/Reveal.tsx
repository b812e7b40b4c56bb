// Reading a secret: its token and password are asked for, what it costs is said before, and the value goes away by itself.
import { Button, Stack, Text } from '@mantine/core';
import { TriangleAlert } from 'lucide-react';
import { useState, type FormEvent } from 'react';
import { vault } from '../api/vault';
import type { SecretInfo } from '../api/wire';
import { words } from '../text/vault';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { Hidden, SecretPassword } from './inputs';
import { nameOf } from './names';
import { Shown, textOf, type Value } from './Shown';
import { useLook } from './token';
import { hasClipboard, taken } from '../ui/copy';

const FIELDS = ['token', 'password'] as const;

export function Reveal({ secret, close, used }: { secret?: SecretInfo; close: () => void; used: () => void }) {
  const [token, setToken] = useState('');
  const [password, setPassword] = useState('');
  const [about, setAbout] = useState(secret);
  const [looked, setLooked] = useState(false);
  const [value, setValue] = useState<Value | null>(null);
  const { busy, error, work, forget } = useWork();
  const form = useFocusRefused(error);
  const look = useLook(secret);
  const at = issuesAt(error, FIELDS);
  const title = secret ? words.reveal.titleOf(nameOf(secret)) : words.reveal.title;
  const limited = about?.readsLeft != null && about.status === 'live';
  const read = (copyOnly: boolean) =>
    work(async () => {
      if (!looked) {
        const found = await look(token);
        if (found?.kind === 'wrap') throw new Error(words.reveal.wrapped);
        setAbout(found ?? secret);
        setLooked(true);
        const unsaid = found?.readsLeft != null && !limited;
        if (found?.status === 'live' && (unsaid || (found.hasPassword && password === ''))) return;
      }
      const answer = await vault.read(token, password || undefined);
      used();
      // What the browser does not take is shown, since the read may have been the last one.
      if (copyOnly && (await taken(textOf(answer)))) {
        show(words.reveal.copied);
        close();
        return;
      }
      setToken('');
      setPassword('');
      setValue(answer);
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void read(false);
  };
  const hide = () => {
    setValue(null);
    show(words.reveal.hidden);
    close();
  };
  if (value) {
    return (
      <Dialog onClose={hide} title={title} size="lg" closeOnClickOutside={false}>
        <Shown value={value} hide={hide} />
      </Dialog>
    );
  }
  const missing = token === '' || (about?.hasPassword === true && password === '');
  return (
    <Dialog onClose={close} title={title} size="lg">
      <form ref={form} onSubmit={submit} autoComplete="off">
        <Stack gap="sm">
          <Hidden
            label={words.fields.token}
            description={words.fields.tokenHint}
            required
            first
            value={token}
            onChange={(next) => {
              setToken(next);
              setLooked(false);
              setAbout(secret);
              forget();
            }}
            error={at.token}
          />
          <SecretPassword
            label={words.fields.password}
            description={about?.hasPassword ? words.fields.passwordRequired : words.fields.passwordProof}
            value={password}
            onChange={setPassword}
            error={at.password}
          />
          {looked && !error && about?.hasPassword && password === '' && (
            <p className="warning" role="alert">
              <TriangleAlert size={16} aria-hidden /> {words.reveal.needsPassword}
            </p>
          )}
          {limited ? (
            <p className="warning" role={looked ? 'alert' : undefined}>
              <TriangleAlert size={16} aria-hidden /> {words.reveal.limited(about.readsLeft ?? 0, about.maxReads ?? null)}
            </p>
          ) : (
            <Text size="xs" c="dimmed">
              {words.reveal.logged} {!about && words.reveal.maybeLimited}
            </Text>
          )}
          <Refusal error={error} fields={FIELDS} />
          <FormFoot close={close} run={limited ? words.reveal.go : words.reveal.show} busy={busy} disabled={missing}>
            {hasClipboard() && (
              <Button variant="default" disabled={missing || busy} onClick={() => void read(true)}>
                {limited ? words.reveal.goCopy : words.reveal.copyOnly}
              </Button>
            )}
          </FormFoot>
        </Stack>
      </form>
    </Dialog>
  );
}
