// What forms share: the server's complaints at their fields, and the buttons below. Draws no field.
import { Button, Group } from '@mantine/core';
import { useEffect, useRef, type ReactNode, type RefObject } from 'react';
import { ApiError } from '../api/http';
import { text } from '../text/en';
import { Problem } from './states';

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;
}

/** What the server said about one of these fields; what concerns none of them is for [`Refusal`]. */
export function issuesAt(error: unknown, fields: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  if (!(error instanceof ApiError)) return found;
  for (const issue of error.issues) {
    const field = fields.find((one) => issue.field === one || issue.field?.startsWith(`${one}.`));
    if (field) found[field] = [found[field], sentence(issue.message)].filter(Boolean).join(' ');
  }
  return found;
}

/** The refusal of a form as a box, unless every part of it stands at a field. */
export function Refusal({ error, fields }: { error: unknown; fields: readonly string[] }) {
  if (!error) return null;
  if (error instanceof ApiError) {
    if (error.status === 429 && error.retryAfter) {
      return <Problem error={new Error(text.errors.wait(error.retryAfter))} />;
    }
    const placed = (field: string | null | undefined) =>
      fields.some((one) => field === one || field?.startsWith(`${one}.`));
    if (error.issues.length > 0 && error.issues.every((issue) => placed(issue.field))) return null;
  }
  return <Problem error={error} />;
}

/** Puts the focus on the first field that was refused. */
export function useFocusRefused(error: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (!error) return;
    const input = form.current?.querySelector<HTMLElement>('input[aria-invalid=true], textarea[aria-invalid=true]');
    // What no input is at fault for is said in the form, which may be out of sight.
    if (input) input.focus();
    else form.current?.querySelector('[role=alert]')?.scrollIntoView({ block: 'center' });
  }, [error]);
  return form;
}

/** The two buttons below a form. */
export function FormFoot(props: { close: () => void; run: string; busy: boolean; disabled?: boolean; danger?: boolean; children?: ReactNode }) {
  return (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={props.close}>
        {text.common.cancel}
      </Button>
      {props.children}
      <Button type="submit" loading={props.busy} disabled={props.disabled} color={props.danger ? 'red' : undefined}>
        {props.run}
      </Button>
    </Group>
  );
}
