// A value on the screen: for a short while, with a visible countdown, and never longer than somebody looks at the page.
import { Button, Code, CopyButton, Group, Progress, Stack, Text } from '@mantine/core';
import { Copy, EyeOff, TimerReset } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { text } from '../text/en';
import { words } from '../text/vault';
import { hasClipboard } from '../ui/copy';

/** How long a value stays on the screen, in seconds. */
export const SHOWN_SECONDS = 30;
const TICK_MS = 250;

export interface Value {
  value?: string | null;
  valueBase64?: string | null;
  version?: number;
  readsLeft?: number | null;
}

export function textOf(value: Value): string {
  return value.value ?? value.valueBase64 ?? '';
}

/** Calls `hide` when the time is up, or when the page is left, put in the background or locked. */
function useCountdown(hide: () => void): { left: number; again: () => void } {
  const [until, setUntil] = useState(() => Date.now() + SHOWN_SECONDS * 1000);
  const [left, setLeft] = useState(SHOWN_SECONDS);
  const end = useRef(hide);
  end.current = hide;
  useEffect(() => {
    const look = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      setLeft(Math.max(0, seconds));
      if (seconds <= 0) end.current();
    };
    look();
    const timer = setInterval(look, TICK_MS);
    return () => clearInterval(timer);
  }, [until]);
  useEffect(() => {
    const gone = () => {
      if (document.visibilityState === 'hidden') end.current();
    };
    const leave = () => end.current();
    document.addEventListener('visibilitychange', gone);
    window.addEventListener('pagehide', leave);
    document.addEventListener('freeze', leave);
    return () => {
      document.removeEventListener('visibilitychange', gone);
      window.removeEventListener('pagehide', leave);
      document.removeEventListener('freeze', leave);
    };
  }, []);
  return { left, again: () => setUntil(Date.now() + SHOWN_SECONDS * 1000) };
}

/** What a dialog holds while it shows a value. */
export function Shown({ value, hide }: { value: Value; hide: () => void }) {
  const { left, again } = useCountdown(hide);
  const shown = textOf(value);
  return (
    <Stack gap="sm">
      <Code block className="secret shown-value" tabIndex={0} role="region" aria-label={words.reveal.value}>
        {shown}
      </Code>
      <div>
        <Progress value={(left / SHOWN_SECONDS) * 100} size="sm" aria-label={words.reveal.timer(left)} transitionDuration={TICK_MS} />
        <Text size="xs" c="dimmed" mt={4} role="timer" aria-live="off">
          {words.reveal.timer(left)}
        </Text>
        <span className="visually-hidden" role="status">
          {words.reveal.announced(SHOWN_SECONDS)}
        </span>
      </div>
      {value.valueBase64 != null && value.value == null && <Text size="sm">{words.reveal.base64}</Text>}
      {(value.version !== undefined || value.readsLeft != null) && (
        <Text size="sm">
          {value.version !== undefined && words.reveal.version(value.version)}{' '}
          {value.readsLeft != null && words.reveal.readsLeft(value.readsLeft)}
        </Text>
      )}
      <Text size="xs" c="dimmed">
        {hasClipboard() ? words.reveal.clipboard : words.once.noClipboard}
      </Text>
      <Group justify="flex-end" gap="xs">
        <Button variant="subtle" color="gray" leftSection={<TimerReset size={14} />} onClick={again}>
          {words.reveal.longer}
        </Button>
        {hasClipboard() && (
          <CopyButton value={shown}>
            {({ copied, copy }) => (
              <Button variant="default" leftSection={<Copy size={14} />} onClick={copy}>
                {copied ? text.common.copied : text.common.copy}
              </Button>
            )}
          </CopyButton>
        )}
        <Button autoFocus leftSection={<EyeOff size={14} />} onClick={hide}>
          {words.reveal.hideNow}
        </Button>
      </Group>
    </Stack>
  );
}
