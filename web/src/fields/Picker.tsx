// The button beside a date or a time that opens the browser's own picker. The text beside it stays the way to type.
import { Calendar } from 'lucide-react';
import { useRef } from 'react';
import { text } from '../text/en';

/** The browser's own date or time picker beside the text, which stays the way to type. */
export function Picker(props: { type: string; value: string; onPick: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        className="editor-pick"
        aria-label={text.fields.pick}
        onClick={() => input.current?.showPicker()}
      >
        <Calendar size={14} aria-hidden />
      </button>
      <input
        ref={input}
        type={props.type}
        className="editor-picker"
        tabIndex={-1}
        aria-hidden
        value={pickerValue(props.type, props.value)}
        onChange={(event) => {
          props.onPick(picked(props.type, event.currentTarget.value));
        }}
      />
    </>
  );
}

/** What a native picker understands of a stored value; nothing when it does not. */
export function pickerValue(type: string, value: string): string {
  if (type === 'date') return /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : '';
  if (type === 'time') return /^\d{2}:\d{2}/.exec(value)?.[0] ?? '';
  const time = new Date(value);
  if (value === '' || Number.isNaN(time.getTime())) return '';
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** What is stored of what a native picker says. */
export function picked(type: string, value: string): string {
  return type === 'datetime-local' && value ? new Date(value).toISOString() : value;
}
