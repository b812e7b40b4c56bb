// A token that was just made, shown this once. Only the button ends it, so that no stray key or click loses the token.
import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { Copy } from 'lucide-react';
import { text } from '../text/en';
import { words } from '../text/vault';
import { hasClipboard } from '../ui/copy';

export interface Once {
  token: string;
  id?: string;
  withPassword?: boolean;
}

/** What a dialog holds while it shows a token. */
export function TokenOnce({ once, body, close }: { once: Once; body: string; close: () => void }) {
  return (
    <Stack gap="sm">
      <Text size="sm">{body}</Text>
      <Code block className="secret token-once">
        {once.token}
      </Code>
      {once.withPassword && <Text size="sm">{words.once.withPassword}</Text>}
      {once.id && (
        <Text size="xs" c="dimmed">
          {words.once.id} <code className="wrap-anywhere">{once.id}</code>
        </Text>
      )}
      {!hasClipboard() && <Text size="sm">{words.once.noClipboard}</Text>}
      <Group justify="flex-end" gap="xs">
        {hasClipboard() && (
          <CopyButton value={once.token}>
            {({ copied, copy }) => (
              <Button variant="default" autoFocus leftSection={<Copy size={14} />} onClick={copy}>
                {copied ? text.common.copied : text.common.copy}
              </Button>
            )}
          </CopyButton>
        )}
        <Button onClick={close}>{words.once.saved}</Button>
      </Group>
    </Stack>
  );
}
