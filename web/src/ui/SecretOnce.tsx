// A secret that was just made, shown this once in its dialog. Kept nowhere else.
import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { Copy } from 'lucide-react';
import type { ReactNode } from 'react';
import { text } from '../text/en';
import { hasClipboard } from './copy';

/** `children`: how to go on with it. */
export function SecretOnce({ secret, body, children, close }: { secret: string; body: string; children?: ReactNode; close: () => void }) {
  return (
    <Stack gap="sm">
      <Text size="sm">{body}</Text>
      <Code block className="secret" tabIndex={0}>
        {secret}
      </Code>
      {children}
      <Group justify="flex-end" gap="xs">
        {hasClipboard() && (
          <CopyButton value={secret}>
            {({ copied, copy }) => (
              <Button variant="default" autoFocus leftSection={<Copy size={14} />} onClick={copy}>
                {copied ? text.common.copied : text.common.copy}
              </Button>
            )}
          </CopyButton>
        )}
        <Button onClick={close}>{text.keys.saved}</Button>
      </Group>
    </Stack>
  );
}
