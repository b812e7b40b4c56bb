// Short messages at the bottom of the page, announced to screen readers, some with an action such as Undo.
import { Button, CloseButton } from '@mantine/core';
import { useRef, useSyncExternalStore } from 'react';
import { text } from '../text/en';
import { focusHome } from './focus';

export interface Toast {
  id: number;
  kind: 'info' | 'error';
  message: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8_000;
const SHOWN_WITH_ACTION_MS = 30_000;
/** Somebody who is at a message is not hurried: so much later it is looked again. */
const STAYS_MS = 3_000;
const LIMIT = 4;

let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function publish(next: Toast[]): void {
  toasts = next;
  listeners.forEach((listener) => listener());
}

export function dismiss(id: number): void {
  publish(toasts.filter((toast) => toast.id !== id));
}

/** Answers its id, to dismiss it before its time. */
export function show(message: string, action?: Toast['action'], kind: Toast['kind'] = 'info'): number {
  const id = nextId++;
  publish([...toasts, { id, kind, message, action }].slice(-LIMIT));
  expire(id, action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
  return id;
}

function expire(id: number, after: number): void {
  setTimeout(() => {
    if (document.querySelector('.toasts:focus-within, .toasts:hover')) expire(id, STAYS_MS);
    else dismiss(id);
  }, after);
}

export function showError(message: string): void {
  show(message, undefined, 'error');
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  const from = useRef<HTMLElement | null>(null);
  // The message goes, and with it what had the focus: it goes back to where it came from.
  const done = (id: number) => {
    dismiss(id);
    if (from.current?.isConnected) from.current.focus({ preventScroll: true });
    else focusHome();
  };
  return (
    <div
      className="toasts"
      role="status"
      aria-live="polite"
      onFocus={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) from.current = event.relatedTarget as HTMLElement | null;
      }}
    >
      {shown.map((toast) => (
        <div key={toast.id} className="toast" data-kind={toast.kind}>
          <span>{toast.message}</span>
          {toast.action && (
            <Button
              size="compact-xs"
              variant="white"
              color="dark"
              onClick={() => {
                toast.action?.run();
                done(toast.id);
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <CloseButton
            size="sm"
            variant="transparent"
            c="inherit"
            aria-label={text.common.dismiss}
            onClick={() => done(toast.id)}
          />
        </div>
      ))}
    </div>
  );
}
