// Sign-in with e-mail and password.
import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { auth } from '../api/endpoints';
import { setCsrfToken } from '../api/http';
import { keys, queryClient } from '../api/queries';
import { text } from '../text/en';
import { Problem } from '../ui/states';
import { Gate } from './Gate';

export function SignInPage() {
  const state = useQuery({ queryKey: ['authState'], queryFn: auth.state });
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await auth.login(email, password);
      const session = await auth.session();
      setCsrfToken(session.csrfToken);
      queryClient.setQueryData(keys.session, session);
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Gate
      title={state.data?.needsSetup ? text.auth.setUpTitle : text.auth.signInTitle}
      body={state.data?.needsSetup ? text.auth.setUpNeeded : undefined}
    >
      {!state.data?.needsSetup && (
      <form onSubmit={(event) => void submit(event)}>
        <Stack mt="md" gap="sm">
          <TextInput
            label={text.auth.email}
            type="email"
            name="email"
            autoComplete="username"
            required
            withAsterisk={false}
            data-autofocus
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <PasswordInput
            label={text.auth.password}
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            visibilityToggleButtonProps={{ 'aria-label': text.auth.showPassword }}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Problem error={error} />
          <Button type="submit" size="sm" loading={busy} fullWidth>
            {text.auth.signIn}
          </Button>
        </Stack>
      </form>
      )}
    </Gate>
  );
}
