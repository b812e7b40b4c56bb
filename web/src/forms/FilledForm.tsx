// A form as people fill it in: its fields, what is wrong with them, the thanks. Sends through its owner; without one it is a preview.
import { Button, Title } from '@mantine/core';
import { CircleAlert, CircleCheck } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { PublicField, PublicForm } from '../api/formWire';
import { ApiError } from '../api/http';
import type { Data, FieldColumn } from '../api/wire';
import { PlainInput } from '../fields/PlainInput';
import { parseText } from '../fields/registry';
import { words } from '../text/forms';

const columnOf = (field: PublicField): FieldColumn => ({
  slug: field.column,
  name: field.label,
  description: field.help ?? undefined,
  fieldType: field.fieldType,
  config: field.config,
  validation: field.validation,
  options: [...(field.options ?? [])].sort((a, b) => a.orderIndex - b.orderIndex),
});

const sentence = (message: string) => `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;

/** A switch shows "no" before anybody touches it, so that is what is sent. */
const blank = (columns: FieldColumn[]): Data =>
  Object.fromEntries(columns.map((column) => [column.slug, column.fieldType === 'boolean' ? false : null]));

/** A date or time of which some parts are filled in: to the browser it has no value. */
const isPartial = (element: unknown): boolean => element instanceof HTMLInputElement && element.validity.badInput;

/** As the field types read it; what they cannot read goes to the server as it is, which says what is wrong. */
function read(value: unknown, column: FieldColumn): unknown {
  if (typeof value !== 'string') return value;
  const parsed = parseText(value, column);
  return parsed.ok ? parsed.value : value;
}

function whyNot(error: unknown): string | null {
  if (!(error instanceof ApiError)) return error ? String(error) : null;
  if (error.offline) return words.fill.offline;
  if (error.status === 404) return words.fill.closed;
  if (error.status === 429) return words.fill.wait(error.retryAfter ?? 60);
  return error.issues.length > 0 ? null : error.message;
}

interface Props {
  form: PublicForm;
  /** Answers the thanks. */
  send?: (data: Data) => Promise<string>;
}

export function FilledForm({ form, send }: Props) {
  const columns = useMemo(() => form.fields.map(columnOf), [form]);
  const [values, setValues] = useState<Data>(() => blank(columns));
  const [touched, setTouched] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [thanks, setThanks] = useState<string | null>(null);
  const said = useRef<HTMLHeadingElement>(null);
  const prefix = send ? 'field-' : 'preview-';
  useEffect(() => {
    if (thanks !== null) said.current?.focus();
  }, [thanks]);
  useEffect(() => {
    if (!touched || !send) return;
    const stop = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', stop);
    return () => window.removeEventListener('beforeunload', stop);
  }, [touched, send]);

  const focusFirst = (found: Record<string, string>) => {
    const first = columns.find((column) => found[column.slug]);
    if (first) document.getElementById(prefix + first.slug)?.focus();
  };
  const refuse = (cause: unknown) => {
    setError(cause);
    const found: Record<string, string> = {};
    for (const issue of cause instanceof ApiError ? cause.issues : []) {
      const slug = (issue.field ?? '').split(/[.[]/)[0] ?? '';
      found[slug] = [found[slug], sentence(issue.message)].filter(Boolean).join(' ');
    }
    setErrors(found);
    focusFirst(found);
  };
  const submit = async (form: HTMLFormElement) => {
    if (!send || busy) return;
    const partly = Object.fromEntries(
      columns.filter((column) => isPartial(form.elements.namedItem(prefix + column.slug))).map((column) => [column.slug, words.fill.partial]),
    );
    if (Object.keys(partly).length > 0) {
      setError(null);
      setErrors(partly);
      focusFirst(partly);
      return;
    }
    setBusy(true);
    setError(null);
    setErrors({});
    const data: Data = {};
    for (const column of columns) {
      const value = read(values[column.slug], column);
      if (value !== null && value !== undefined) data[column.slug] = value;
    }
    try {
      setThanks(await send(data));
      setTouched(false);
    } catch (cause) {
      refuse(cause);
    }
    setBusy(false);
  };
  if (thanks !== null) {
    const again = () => {
      setValues(blank(columns));
      setThanks(null);
      setTimeout(() => document.getElementById(prefix + (columns[0]?.slug ?? ''))?.focus());
    };
    return (
      <div className="form-thanks">
        <CircleCheck size={36} aria-hidden className="tick" />
        <Title order={1} size="h3" ref={said} tabIndex={-1}>
          {words.fill.sent}
        </Title>
        <p className="form-words">{thanks.trim() || words.fill.thanks}</p>
        <Button variant="default" size="sm" onClick={again}>
          {words.fill.again}
        </Button>
      </div>
    );
  }
  const wrong = columns.filter((column) => errors[column.slug]);
  const placed = new Set(wrong.map((column) => column.slug));
  const elsewhere = Object.keys(errors).some((slug) => !placed.has(slug)) ? words.fill.changed : null;
  const why = whyNot(error) ?? elsewhere;
  return (
    <form
      className="form-fields"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <div className="form-head">
        <Title order={send ? 1 : 3} size="h3">
          {form.name}
        </Title>
        {form.description && <p className="form-words">{form.description}</p>}
        {columns.some((column) => column.validation?.required) && <p className="dimmed">{words.fill.required}</p>}
      </div>
      {wrong.length > 0 && (
        <div className="problem" role="alert">
          <div>
            {words.fill.fix(wrong.length)}
            {wrong.map((column) => (
              <div key={column.slug}>
                <a
                  href={`#${prefix}${column.slug}`}
                  onClick={(event) => {
                    event.preventDefault();
                    document.getElementById(prefix + column.slug)?.focus();
                  }}
                >
                  {column.name}
                </a>
              </div>
            ))}
          </div>
        </div>
      )}
      {columns.map((column) => (
        <PlainInput
          key={column.slug}
          id={prefix + column.slug}
          native
          column={column}
          value={values[column.slug]}
          error={errors[column.slug]}
          change={(value) => {
            setValues((old) => ({ ...old, [column.slug]: value }));
            setErrors(({ [column.slug]: _gone, ...rest }) => rest);
            setTouched(true);
          }}
        />
      ))}
      {why && (
        <div className="problem" role="alert">
          <CircleAlert size={16} aria-hidden />
          <div>{why}</div>
        </div>
      )}
      <div>
        <Button type="submit" size="md" loading={busy}>
          {words.fill.send}
        </Button>
      </div>
    </form>
  );
}
