// The editor over a cell: one per kind of field. It commits text or a value; it never talks to the server.
import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import { Picker } from '../fields/Picker';
import { kindOfColumn, parseText, ratingMax, type Parsed } from '../fields/registry';
import { text } from '../text/en';
import type { Column } from '../api/wire';
import { LinkEditor, OptionEditor } from './OptionEditor';
import type { Editing } from './model';

export type Then = 'stay' | 'down' | 'up' | 'left' | 'right';

export interface EditorProps {
  editing: Editing;
  commit: (value: unknown, then: Then) => void;
  cancel: () => void;
  box: { left: number; top: number; width: number; height: number };
  frozen: boolean;
}

export function CellEditor(props: EditorProps) {
  const kind = kindOfColumn(props.editing.column);
  const { box } = props;
  const inner =
    kind.editor === 'select' || kind.editor === 'multi' ? (
      <OptionEditor {...props} multiple={kind.editor === 'multi'} />
    ) : kind.editor === 'link' || kind.editor === 'links' ? (
      <LinkEditor {...props} multiple={kind.editor === 'links'} />
    ) : kind.editor === 'rating' ? (
      <RatingEditor {...props} />
    ) : (
      <TextEditor {...props} />
    );
  return (
    <div
      className={`editor${props.frozen ? ' editor-frozen' : ''}`}
      style={{ left: box.left, top: box.top, width: box.width, minHeight: box.height }}
      onMouseDown={(event) => event.stopPropagation()}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      {inner}
    </div>
  );
}

/** What a key does in an editor: where to go after committing, or null when it is for the text. */
function thenOf(event: KeyboardEvent, multiline: boolean): Then | null {
  if (event.key === 'Tab') return event.shiftKey ? 'left' : 'right';
  if (event.key !== 'Enter') return null;
  if (event.altKey || (multiline && event.shiftKey)) return null;
  return event.shiftKey ? 'up' : 'down';
}

const PICKERS: Record<string, string> = { date: 'date', dateTime: 'datetime-local', time: 'time' };

function TextEditor({ editing, commit, cancel }: EditorProps) {
  const { column } = editing;
  const kind = kindOfColumn(column);
  const multiline = kind.editor === 'lines' || kind.editor === 'json';
  const [draft, setDraft] = useState(() =>
    kind.editor === 'json' && !editing.replace ? pretty(editing.initial) : editing.initial,
  );
  const [problem, setProblem] = useState<string | null>(null);
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const finished = useRef(false);

  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.focus({ preventScroll: true });
    const end = element.value.length;
    if (editing.replace) element.setSelectionRange(end, end);
    else element.select();
  }, [editing.replace]);

  const finish = (then: Then) => {
    const parsed: Parsed = parseText(draft, column);
    if (!parsed.ok) {
      setProblem(parsed.message);
      field.current?.focus({ preventScroll: true });
      return;
    }
    finished.current = true;
    commit(parsed.value, then);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Escape') {
      finished.current = true;
      event.preventDefault();
      cancel();
      return;
    }
    if (event.key === 'Enter' && event.altKey && multiline) {
      event.preventDefault();
      field.current?.setRangeText('\n', field.current.selectionStart ?? 0, field.current.selectionEnd ?? 0, 'end');
      setDraft(field.current?.value ?? draft);
      return;
    }
    const then = thenOf(event, multiline);
    if (!then) return;
    event.preventDefault();
    finish(then);
  };

  const shared = {
    ref: field,
    value: draft,
    'aria-label': text.grid.editing(column.name),
    'aria-invalid': problem ? true : undefined,
    spellCheck: false,
    onKeyDown,
    onBlur: (event: React.FocusEvent) => {
      if (finished.current) return;
      if ((event.relatedTarget as HTMLElement | null)?.closest('.editor')) return;
      finish('stay');
    },
    onChange: (event: React.ChangeEvent<HTMLInputElement & HTMLTextAreaElement>) => {
      setProblem(null);
      setDraft(event.currentTarget.value);
    },
  };
  const picker = PICKERS[kind.editor];
  return (
    <>
      {multiline ? (
        <textarea className="editor-lines" rows={6} {...shared} />
      ) : (
        <input
          className={`editor-line${kind.align === 'end' ? ' editor-end' : ''}`}
          type="text"
          inputMode={kind.inputMode}
          placeholder={text.fields.placeholders[kind.editor] ?? ''}
          {...shared}
        />
      )}
      {picker && <Picker type={picker} value={draft} onPick={(value) => setDraft(value)} />}
      {problem && (
        <div className="editor-problem" role="alert">
          {problem}
        </div>
      )}
    </>
  );
}

function pretty(source: string): string {
  try {
    return JSON.stringify(JSON.parse(source), null, 2);
  } catch {
    return source;
  }
}

function RatingEditor({ editing, commit, cancel }: EditorProps) {
  const { column } = editing;
  const start = Number(editing.initial);
  const [value, setValue] = useState(Number.isFinite(start) ? start : 0);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus({ preventScroll: true }), []);
  return (
    <Stars
      column={column}
      value={value}
      boxRef={box}
      onPick={(next) => commit(next === 0 ? null : next, 'stay')}
      onBlur={() => commit(value === 0 ? null : value, 'stay')}
      onKeyDown={(event) => {
        event.stopPropagation();
        const max = ratingMax(column);
        if (/^\d$/.test(event.key)) setValue(Math.min(max, Number(event.key)));
        else if (event.key === 'ArrowRight' || event.key === 'ArrowUp') setValue(Math.min(max, value + 1));
        else if (event.key === 'ArrowLeft' || event.key === 'ArrowDown') setValue(Math.max(0, value - 1));
        else if (event.key === 'Escape') cancel();
        else {
          const then = thenOf(event, false);
          if (!then) return;
          commit(value === 0 ? null : value, then);
        }
        event.preventDefault();
      }}
    />
  );
}

function Stars(props: {
  column: Column;
  value: number;
  boxRef: React.RefObject<HTMLDivElement | null>;
  onPick: (value: number) => void;
  onBlur: () => void;
  onKeyDown: (event: KeyboardEvent) => void;
}) {
  const max = ratingMax(props.column);
  return (
    <div
      ref={props.boxRef}
      tabIndex={0}
      role="slider"
      className="editor-stars"
      aria-label={text.grid.editing(props.column.name)}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={props.value}
      onKeyDown={props.onKeyDown}
      onBlur={props.onBlur}
    >
      {Array.from({ length: max }, (_, i) => (
        <span
          key={i}
          data-on={i < props.value || undefined}
          onMouseDown={(event) => {
            event.preventDefault();
            props.onPick(i + 1 === props.value ? 0 : i + 1);
          }}
        >
          ★
        </span>
      ))}
    </div>
  );
}
