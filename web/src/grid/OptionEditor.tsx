// Chooses one option or several by typing, or the records and people that a value may name; arrow keys move, Enter takes.
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useChoices, type Choice } from '../fields/links';
import { findOption } from '../fields/registry';
import { text } from '../text/en';
import { Pill } from './cells';
import type { EditorProps, Then } from './Editor';

const SHOWN_MAX = 100;

type Props = EditorProps & { multiple: boolean };

function chosenOf({ editing }: Props): string[] {
  const value = editing.record.data[editing.column.slug];
  return Array.isArray(value) ? value.map(String) : value === null || value === undefined ? [] : [String(value)];
}

export function OptionEditor(props: Props) {
  const { column } = props.editing;
  const options = useMemo(() => column.options ?? [], [column.options]);
  const [needle, setNeedle] = useState(props.editing.replace ? props.editing.initial : '');
  const shown = useMemo(() => {
    const lower = needle.trim().toLowerCase();
    const hits = lower ? options.filter((one) => one.name.toLowerCase().includes(lower)) : options;
    return hits.slice(0, SHOWN_MAX);
  }, [needle, options]);
  const initial = chosenOf(props).map((one) => findOption(column, one)?.id ?? one);
  return (
    <Chooser
      {...props}
      shown={shown}
      initial={initial}
      read={(id) => findOption(column, id) ?? { id, name: id }}
      needle={needle}
      setNeedle={setNeedle}
      placeholder={text.fields.findOption}
      nothing={options.length === 0 ? text.fields.noOptions : text.fields.noMatch}
    />
  );
}

export function LinkEditor(props: Props) {
  const { column } = props.editing;
  const [needle, setNeedle] = useState(props.editing.replace ? props.editing.initial : '');
  const initial = useMemo(() => chosenOf(props), []);
  const { choices, nameOf, pending, error } = useChoices(column, needle, initial);
  return (
    <Chooser
      {...props}
      shown={choices}
      initial={initial}
      read={(id) => ({ id, name: nameOf(id) })}
      needle={needle}
      setNeedle={setNeedle}
      placeholder={text.fields.findRecord}
      nothing={pending ? text.fields.looking : error ? text.fields.notFound : text.fields.noMatch}
    />
  );
}

interface ChooserProps extends Props {
  shown: Choice[];
  initial: string[];
  read: (id: string) => Choice;
  needle: string;
  setNeedle: (needle: string) => void;
  placeholder: string;
  nothing: string;
}

function Chooser({ editing, commit, cancel, multiple, shown, initial, read, needle, setNeedle, placeholder, nothing }: ChooserProps) {
  const { column } = editing;
  const [chosen, setChosen] = useState<string[]>(initial);
  const [at, setAt] = useState(() => (multiple ? 0 : Math.max(0, shown.findIndex((one) => one.id === chosen[0]))));
  const input = useRef<HTMLInputElement>(null);
  const finished = useRef(false);
  const id = useId();

  useLayoutEffect(() => input.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: 'nearest' });
  }, [at, id]);

  const finish = (ids: string[], then: Then) => {
    finished.current = true;
    if (multiple) commit(ids.length > 0 ? ids : null, then);
    else commit(ids[0] ?? null, then);
  };
  const take = (option: string, then: Then) => {
    if (!multiple) {
      finish([option], then);
      return;
    }
    setChosen((old) => (old.includes(option) ? old.filter((one) => one !== option) : [...old, option]));
    setNeedle('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.nativeEvent.isComposing) return;
    const option = shown[at];
    switch (event.key) {
      case 'ArrowDown':
        setAt(Math.min(shown.length - 1, at + 1));
        break;
      case 'ArrowUp':
        setAt(Math.max(0, at - 1));
        break;
      case 'Escape':
        finished.current = true;
        cancel();
        break;
      case 'Enter':
        if (option && (!multiple || needle !== '' || !event.shiftKey)) {
          if (multiple && needle === '' && at === 0 && chosen.length > 0) finish(chosen, 'down');
          else take(option.id, 'down');
        } else finish(chosen, 'down');
        break;
      case 'Tab': {
        const then = event.shiftKey ? 'left' : 'right';
        if (needle !== '' && option) finish(multiple ? [...chosen, option.id] : [option.id], then);
        else finish(chosen, then);
        break;
      }
      case 'Backspace':
        if (needle !== '') return;
        setChosen((old) => old.slice(0, -1));
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  return (
    <div className="editor-options">
      {chosen.length > 0 && (
        <div className="editor-chosen">
          {chosen.map((one) => {
            const option = read(one);
            return <Pill key={one} name={option.name} color={option.color} />;
          })}
        </div>
      )}
      <input
        ref={input}
        className="editor-line"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={shown[at] ? `${id}-${at}` : undefined}
        aria-label={text.grid.editing(column.name)}
        placeholder={placeholder}
        value={needle}
        onChange={(event) => {
          setNeedle(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => {
          if (!finished.current) finish(chosen, 'stay');
        }}
      />
      <div
        className="editor-list"
        role="listbox"
        id={`${id}-list`}
        aria-label={column.name}
        aria-multiselectable={multiple}
      >
        {shown.map((option, i) => (
          <div
            key={option.id}
            id={`${id}-${i}`}
            role="option"
            aria-selected={chosen.includes(option.id)}
            data-at={i === at || undefined}
            onMouseDown={(event) => {
              event.preventDefault();
              take(option.id, 'stay');
            }}
            onMouseEnter={() => setAt(i)}
          >
            <Pill name={option.name} color={option.color} />
            {chosen.includes(option.id) && <span aria-hidden>✓</span>}
          </div>
        ))}
        {shown.length === 0 && (
          <div role="option" aria-selected="false" aria-disabled="true" className="editor-none">
            {nothing}
          </div>
        )}
      </div>
    </div>
  );
}
