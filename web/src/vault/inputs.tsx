// What the vault's forms share: hidden text, expiry, metadata. Keeps nothing once it is gone.
import { ActionIcon, Button, Group, PasswordInput, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { Eye, EyeOff, Plus, X } from 'lucide-react';
import { useRef, useState, type FormEvent, type ReactNode } from 'react';
import { words } from '../text/vault';
import { when } from '../ui/time';

interface HiddenProps {
  label: string;
  description?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  error?: string;
  required?: boolean;
  lines?: boolean;
  first?: boolean;
}

/** Text that is drawn as dots until somebody wants to see it. No browser offers to save it. */
export function Hidden({ label, lines, first, value, onChange, ...rest }: HiddenProps) {
  const [shown, setShown] = useState(false);
  const toggle = (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-pressed={shown}
      aria-label={shown ? words.fields.hide(label) : words.fields.show(label)}
      onClick={() => setShown(!shown)}
    >
      {shown ? <EyeOff size={16} /> : <Eye size={16} />}
    </ActionIcon>
  );
  const shared = {
    ...rest,
    label,
    value,
    autoComplete: 'off',
    autoCorrect: 'off',
    autoCapitalize: 'none',
    spellCheck: false,
    'data-autofocus': first || undefined,
    'data-1p-ignore': true,
    rightSection: toggle,
    rightSectionPointerEvents: 'all' as const,
    classNames: { input: shown ? 'mono' : 'mono masked' },
  };
  return lines ? (
    <Textarea
      {...shared}
      autosize
      minRows={3}
      maxRows={10}
      className="hidden-lines"
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  ) : (
    <TextInput {...shared} onChange={(event) => onChange(event.currentTarget.value)} />
  );
}

type PasswordProps = Omit<HiddenProps, 'lines'>;

/** The password of a secret: never filled in with the one somebody signs in with. */
export function SecretPassword({ first, onChange, label, ...rest }: PasswordProps) {
  const [shown, setShown] = useState(false);
  return (
    <PasswordInput
      {...rest}
      label={label}
      aria-invalid={rest.error ? true : undefined}
      autoComplete="new-password"
      data-1p-ignore
      data-autofocus={first || undefined}
      visible={shown}
      onVisibilityChange={setShown}
      visibilityToggleButtonProps={{ 'aria-label': shown ? words.fields.hide(label) : words.fields.show(label) }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** The password that many secrets get: typed twice, since a slip would lock them all. */
export function NewPassword(props: {
  next: string;
  setNext: (value: string) => void;
  again: string;
  setAgain: (value: string) => void;
  error?: string;
  required?: boolean;
}) {
  const { next, again, required } = props;
  return (
    <>
      <SecretPassword
        label={words.jobs.newPassword}
        description={required ? undefined : words.jobs.newPasswordHint}
        required={required}
        value={next}
        onChange={props.setNext}
        error={props.error}
      />
      {next !== '' && (
        <SecretPassword
          label={words.fields.again}
          required
          value={again}
          onChange={props.setAgain}
          error={again !== '' && again !== next ? words.fields.differs : undefined}
        />
      )}
    </>
  );
}

/** A date with its time, by the browser's own input. To the browser one that is filled in by half has no value: it is refused here. */
export function MomentInput(props: { label: string; value: string; onChange: (value: string) => void; error?: string }) {
  const [partly, setPartly] = useState(false);
  const refuse = (event: FormEvent<HTMLInputElement>) => {
    const input = event.currentTarget;
    setPartly(input.validity.badInput);
    if (!input.validity.badInput) return;
    event.preventDefault();
    if (input.form?.querySelector('input:invalid, textarea:invalid') === input) input.focus();
  };
  return (
    <TextInput
      type="datetime-local"
      label={props.label}
      required
      error={partly ? words.fields.partial : props.error}
      value={props.value}
      onInvalid={refuse}
      onChange={(event) => {
        setPartly(false);
        props.onChange(event.currentTarget.value);
      }}
    />
  );
}

export interface Expiry {
  choice: string;
  exact: string;
}

/** What an expiry means now: RFC 3339, or null for never. */
export function expiryOf({ choice, exact }: Expiry): string | null {
  if (choice === '') return null;
  if (choice !== 'exact') return new Date(Date.now() + Number(choice) * 1000).toISOString();
  const time = new Date(exact);
  return Number.isNaN(time.getTime()) ? exact : time.toISOString();
}

export function ExpiryInput(props: { value: Expiry; onChange: (value: Expiry) => void; error?: string }) {
  const { value, onChange, error } = props;
  const exactly = value.choice === 'exact';
  const over = exactly && value.exact === '' ? null : expiryOf(value);
  return (
    <Group align="flex-start" grow preventGrowOverflow={false}>
      <Select
        label={words.fields.expires}
        allowDeselect={false}
        data={words.expiries.map(([choice, label]) => ({ value: choice, label }))}
        value={value.choice}
        error={exactly ? undefined : error}
        description={over ? words.fields.until(when(over)) : undefined}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        onChange={(choice) => onChange({ ...value, choice: choice ?? '' })}
      />
      {exactly && (
        <MomentInput label={words.fields.exact} error={error} value={value.exact} onChange={(exact) => onChange({ ...value, exact })} />
      )}
    </Group>
  );
}

export type Pair = [name: string, text: string];

export function metadataOf(pairs: Pair[]): Record<string, string> {
  return Object.fromEntries(pairs.filter(([name, value]) => name.trim() !== '' || value !== ''));
}

export function MetadataInput(props: { pairs: Pair[]; onChange: (pairs: Pair[]) => void; error?: string }) {
  const { pairs, onChange, error } = props;
  const list = useRef<HTMLDivElement>(null);
  const set = (i: number, pair: Pair) => onChange(pairs.map((old, at) => (at === i ? pair : old)));
  const add = () => {
    onChange([...pairs, ['', '']]);
    setTimeout(() => list.current?.querySelector<HTMLInputElement>('.pair:last-of-type input')?.focus());
  };
  return (
    <fieldset className="pairs" aria-invalid={error ? true : undefined}>
      <legend className="label">{words.fields.metadata}</legend>
      <Text size="xs" c="dimmed" mb={4}>
        {words.fields.metadataHint}
      </Text>
      <Stack gap={6} ref={list}>
        {pairs.map(([name, value], i) => (
          <div className="pair" key={i}>
            <TextInput
              size="xs"
              aria-label={words.fields.metaName(i + 1)}
              placeholder="name"
              value={name}
              onChange={(event) => set(i, [event.currentTarget.value, value])}
            />
            <TextInput
              size="xs"
              aria-label={words.fields.metaText(i + 1)}
              value={value}
              onChange={(event) => set(i, [name, event.currentTarget.value])}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={words.fields.metaRemove(i + 1)}
              onClick={() => onChange(pairs.filter((_, at) => at !== i))}
            >
              <X size={14} />
            </ActionIcon>
          </div>
        ))}
      </Stack>
      {error && (
        <p className="field-error" role="alert">
          {error}
        </p>
      )}
      <Button mt={6} size="compact-xs" variant="default" leftSection={<Plus size={12} />} onClick={add}>
        {words.fields.metaAdd}
      </Button>
    </fieldset>
  );
}
