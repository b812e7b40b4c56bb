// Chooses one option or several by typing; arrow keys move, Enter takes.
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { findOption } from '../fields/registry';
import { text } from '../text/en';
import { Pill } from './cells';
import type { EditorProps, Then } from './Editor';

const SHOWN_MAX = 100;

export function OptionEditor({ editing, commit, cancel, multiple }: EditorProps & { multiple: boolean }) {
  const { column, record } = editing;
  const options = useMemo(() => column.options ?? [], [column.options]);
  const [needle, setNeedle] = useState(editing.replace ? editing.initial : '');
  const [chosen, setChosen] = useState<string[]>(() => {
    const value = record.data[column.slug];
    const values = Array.isArray(value) ? value : value === null || value === undefined ? [] : [value];
    return values.map((one) => findOption(column, one)?.id ?? String(one));
  });
  const [at, setAt] = useState(() => (multiple ? 0 : Math.max(0, options.findIndex((one) => one.id === chosen[0]))));
  const input = useRef<HTMLInputElement>(null);
  const finished = useRef(false);
  const id = useId();
  const shown = useMemo(() => {
    const lower = needle.trim().toLowerCase();
    const hits = lower ? options.filter((one) => one.name.toLowerCase().includes(lower)) : options;
    return hits.slice(0, SHOWN_MAX);
  }, [needle, options]);

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
            const option = findOption(column, one);
            return <Pill key={one} name={option?.name ?? one} color={option?.color} />;
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
        placeholder={text.fields.findOption}
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
            {options.length === 0 ? text.fields.noOptions : text.fields.noMatch}
          </div>
        )}
      </div>
    </div>
  );
}
