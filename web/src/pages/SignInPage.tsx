// Sign-in with e-mail and password.
import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { auth } from '../api/endpoints';
import { setCsrfToken } from '../api/http';
import { keys, queryClient } from '../api/queries';
import { text } from '../text/en';
import { Problem } from '../ui/states';
import { useWork } from '../ui/work';
import { Gate } from './Gate';

export function SignInPage() {
  const state = useQuery({ queryKey: ['authState'], queryFn: auth.state });
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const { busy, error, work } = useWork();
  const submit = async () => {
    await auth.login(email, password);
    const session = await auth.session();
    setCsrfToken(session.csrfToken);
    queryClient.setQueryData(keys.session, session);
  };
  return (
    <Gate
      title={state.data?.needsSetup ? text.auth.setUpTitle : text.auth.signInTitle}
      body={state.data?.needsSetup ? text.auth.setUpNeeded : undefined}
    >
      {!state.data?.needsSetup && (
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work(submit);
        }}
      >
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
          {error !== null && (
            <Text size="xs" c="dimmed">
              {text.auth.forgotten}
            </Text>
          )}
        </Stack>
      </form>
      )}
    </Gate>
  );
}
