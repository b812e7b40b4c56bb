// Short messages at the bottom of the page, announced to screen readers, some with an action such as Undo.
import { Button, CloseButton } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { text } from '../text/en';

export interface Toast {
  id: number;
  kind: 'info' | 'error';
  message: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8_000;
const SHOWN_WITH_ACTION_MS = 30_000;
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
  setTimeout(() => dismiss(id), action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
  return id;
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
  return (
    <div className="toasts" role="status" aria-live="polite">
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
                dismiss(toast.id);
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
            onClick={() => dismiss(toast.id)}
          />
        </div>
      ))}
    </div>
  );
}
