// Another password for oneself, by the present one. Both are kept nowhere.
import { PasswordInput, Stack, Text } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { auth } from '../api/endpoints';
import { ApiError, setCsrfToken, WRONG_PASSWORD } from '../api/http';
import { keys, queryClient } from '../api/queries';
import type { User } from '../api/wire';
import { words } from '../text/admin';
import { text } from '../text/en';
import { Dialog } from '../ui/Dialog';
import { FormFoot, issuesAt, Refusal, useFocusRefused } from '../ui/form';
import { show } from '../ui/toast';
import { useWork } from '../ui/work';

const PASSWORD_MIN = 8;
const FIELDS = ['password'] as const;
const toggle = { 'aria-label': words.users.show };

export function OwnPassword({ user, close }: { user: User; close: () => void }) {
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, work } = useWork();
  const form = useFocusRefused(error);
  const wrong = error instanceof ApiError && error.code === WRONG_PASSWORD;
  const at = issuesAt(error, FIELDS);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void work(async () => {
      await auth.password({ current, password });
      // The change began another session.
      const session = await auth.session();
      setCsrfToken(session.csrfToken);
      queryClient.setQueryData(keys.session, session);
      show(words.users.ownPasswordSet);
      close();
    });
  };
  return (
    <Dialog onClose={close} title={words.users.ownPassword}>
      <form ref={form} onSubmit={submit} noValidate>
        <Stack gap="sm">
          <Text size="sm">{words.users.ownPasswordBody}</Text>
          <input type="hidden" name="username" autoComplete="username" value={user.email} readOnly />
          <PasswordInput
            label={words.users.current}
            required
            data-autofocus
            autoComplete="current-password"
            value={current}
            error={wrong ? words.users.wrongCurrent : undefined}
            aria-invalid={wrong}
            visibilityToggleButtonProps={toggle}
            onChange={(event) => setCurrent(event.currentTarget.value)}
          />
          <PasswordInput
            label={words.users.newPassword}
            description={words.users.hint(PASSWORD_MIN)}
            required
            autoComplete="new-password"
            value={password}
            error={at.password}
            aria-invalid={at.password !== undefined}
            visibilityToggleButtonProps={toggle}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {!wrong && <Refusal error={error} fields={FIELDS} />}
          <FormFoot close={close} run={text.common.save} busy={busy} disabled={current === '' || password === ''} />
        </Stack>
      </form>
    </Dialog>
  );
}
