// A secret that was just made, shown this once in its dialog. Kept nowhere else.
import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { Copy } from 'lucide-react';
import { text } from '../text/en';

export function SecretOnce({ secret, body, close }: { secret: string; body: string; close: () => void }) {
  return (
    <Stack gap="sm">
      <Text size="sm">{body}</Text>
      <Code block className="secret" tabIndex={0}>
        {secret}
      </Code>
      <Group justify="flex-end" gap="xs">
        <CopyButton value={secret}>
          {({ copied, copy }) => (
            <Button variant="default" leftSection={<Copy size={14} />} onClick={copy}>
              {copied ? text.common.copied : text.common.copy}
            </Button>
          )}
        </CopyButton>
        <Button onClick={close}>{text.keys.saved}</Button>
      </Group>
    </Stack>
  );
}
