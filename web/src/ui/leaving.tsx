// Leaving a page with something unsaved: asked about first, whether by a link, by the browser's Back, by Ctrl+K or by closing the tab.
import { Button, Group, Modal, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { RouterOptions } from 'wouter';
import { text } from '../text/en';

type Go = () => void;

interface Unsaved {
  ask: (go: Go) => void;
  /** The address of the page, to be put back after the browser's Back. */
  at: string;
}

/** What is unsaved on the page that is shown; none if nothing is. */
let unsaved: Unsaved | null = null;

/** For the router: every way to another page inside the application goes through here. */
export const aroundNav: NonNullable<RouterOptions['aroundNav']> = (navigate, to, options) => {
  if (unsaved && !options?.replace) unsaved.ask(() => navigate(to, options));
  else navigate(to, options);
};

// Listens before the router does: the address is put back, and the way back is taken when the person says so.
window.addEventListener(
  'popstate',
  (event) => {
    if (!unsaved) return;
    event.stopImmediatePropagation();
    history.pushState(null, '', unsaved.at);
    unsaved.ask(() => history.back());
  },
  true,
);
window.addEventListener('beforeunload', (event) => {
  if (unsaved) event.preventDefault();
});

/** Asks before the page is left while something is unsaved. */
export function Leaving({ dirty }: { dirty: boolean }) {
  const [go, setGo] = useState<Go | null>(null);
  useEffect(() => {
    if (!dirty) return;
    unsaved = { ask: (next) => setGo(() => next), at: location.href };
    return () => {
      unsaved = null;
    };
  }, [dirty]);
  return (
    <AskLeave
      go={go}
      stay={() => setGo(null)}
      leaving={() => {
        unsaved = null;
      }}
    />
  );
}

interface AskProps {
  /** Where to, if that is asked. */
  go: Go | null;
  stay: () => void;
  /** What was typed is given up: said before it goes on. */
  leaving: () => void;
}

/** The question itself. */
export function AskLeave({ go, stay, leaving }: AskProps) {
  return (
    <Modal opened={go !== null} onClose={stay} title={text.record.unsavedTitle} zIndex={400}>
      <Text size="sm">{text.record.unsavedBody}</Text>
      <Group justify="flex-end" gap="xs" mt="md">
        <Button
          variant="default"
          onClick={() => {
            stay();
            leaving();
            go?.();
          }}
        >
          {text.record.discard}
        </Button>
        <Button data-autofocus onClick={stay}>
          {text.record.keepEditing}
        </Button>
      </Group>
    </Modal>
  );
}
