// First run: the one-time link makes the first admin. Without a link it says where to find one.
import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { auth } from '../api/endpoints';
import { ApiError, setCsrfToken } from '../api/http';
import { keys, queryClient } from '../api/queries';
import { text } from '../text/en';
import { Problem } from '../ui/states';
import { useWork } from '../ui/work';
import { Gate } from './Gate';

const PASSWORD_MIN_LENGTH = 8;

export function SetUpPage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const [token] = useState(() => new URLSearchParams(search).get('token') ?? '');
  const [form, setForm] = useState({ name: '', email: '', password: '' });
  const { busy, error, work } = useWork();
  const issue = (field: string) =>
    error instanceof ApiError
      ? error.issues.find((one) => one.field === field)?.message
      : undefined;
  const set = (field: keyof typeof form) => (value: string) =>
    setForm((old) => ({ ...old, [field]: value }));
  const submit = async () => {
    await auth.setup({ token, ...form });
    const session = await openSession(form.email, form.password);
    setCsrfToken(session.csrfToken);
    queryClient.setQueryData(keys.session, session);
    navigate('/', { replace: true });
  };
  if (token === '') {
    return (
      <Gate title={text.auth.setUpTitle} body={text.auth.setUpNoToken}>
        <Button mt="md" variant="default" component="a" href="/">
          {text.auth.goToSignIn}
        </Button>
      </Gate>
    );
  }
  return (
    <Gate title={text.auth.setUpTitle} body={text.auth.setUpBody}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(submit);
        }}
      >
        <Stack mt="md" gap="sm">
          <TextInput
            label={text.auth.name}
            name="name"
            autoComplete="name"
            required
            withAsterisk={false}
            autoFocus
            value={form.name}
            error={issue('name')}
            onChange={(event) => set('name')(event.currentTarget.value)}
          />
          <TextInput
            label={text.auth.email}
            name="email"
            type="email"
            autoComplete="username"
            required
            withAsterisk={false}
            value={form.email}
            error={issue('email')}
            onChange={(event) => set('email')(event.currentTarget.value)}
          />
          <PasswordInput
            label={text.auth.password}
            description={text.auth.passwordHint(PASSWORD_MIN_LENGTH)}
            name="password"
            autoComplete="new-password"
            required
            withAsterisk={false}
            minLength={PASSWORD_MIN_LENGTH}
            visibilityToggleButtonProps={{ 'aria-label': text.auth.showPassword }}
            value={form.password}
            error={issue('password')}
            onChange={(event) => set('password')(event.currentTarget.value)}
          />
          <Problem error={error} />
          <Button type="submit" size="sm" loading={busy} fullWidth>
            {text.auth.create}
          </Button>
          <Text size="xs" c="dimmed">
            {text.auth.setUpNote}
          </Text>
        </Stack>
      </form>
    </Gate>
  );
}

/** Set-up may open the session itself; where it does not, the new password opens it. */
async function openSession(email: string, password: string) {
  try {
    return await auth.session();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    await auth.login(email, password);
    return auth.session();
  }
}
