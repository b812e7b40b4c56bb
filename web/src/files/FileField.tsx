// The files of one field as a list, with what is on the way below it and a place to drop more. Keeps nothing: its owner does.
import { ActionIcon, Button } from '@mantine/core';
import { ArrowDown, ArrowUp, CircleAlert, Download, RotateCcw, Undo2, X } from 'lucide-react';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { FieldColumn, FileFacts } from '../api/wire';
import '../styles/files.css';
import { kindText, words } from '../text/files';
import { bytesText } from '../ui/size';
import { dragsFiles, dropped } from './around';
import { acceptOf, countMax, sizeMax, takesSeveral, type AnyFile } from './facts';
import type { Item, Outbox } from './outbox';
import { PreviewDialog } from './Preview';
import { iconOf, Thumb, useMayFetch } from './Thumb';

interface FieldProps {
  column: FieldColumn;
  files: AnyFile[];
  outbox: Outbox;
  /** Changes what the field names. */
  put: (change: (ids: string[]) => string[]) => void | Promise<void>;
  readOnly?: boolean;
  /** Why nothing can be brought here, if so. */
  note?: string;
  /** Of the button that chooses. */
  id?: string;
  autoFocus?: boolean;
}

interface Removed {
  id: string;
  name: string;
  at: number;
}

export function FileField({ column, files, outbox, put, readOnly, note, id, autoFocus }: FieldProps) {
  useSyncExternalStore(outbox.subscribe, outbox.getVersion);
  const mayFetch = useMayFetch();
  const [shown, setShown] = useState<number | null>(null);
  const [removed, setRemoved] = useState<Removed | null>(null);
  const [said, setSaid] = useState('');
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => setSaid(outbox.said), [outbox.said]);

  // Once the list is as it will be: a line that is moved loses the focus.
  const focus = async (selector: string, done?: void | Promise<void>) => {
    await done;
    setTimeout(() => (box.current?.querySelector<HTMLElement>(`${selector}:not(:disabled)`) ?? box.current?.querySelector<HTMLElement>('.files-choose'))?.focus());
  };
  const remove = (at: number, file: AnyFile) => {
    const name = file.name ?? words.unnamed;
    const done = put((ids) => ids.filter((one) => one !== file.id));
    setRemoved({ id: file.id, name, at });
    setSaid(words.removed(name));
    void focus('.files-back', done);
  };
  const putBack = ({ id: gone, name, at }: Removed) => {
    const done = put((ids) => (takesSeveral(column) ? [...ids.slice(0, at), gone, ...ids.slice(at)] : [gone]));
    setRemoved(null);
    setSaid(words.isBack(name));
    void focus(`[data-file="${gone}"] .files-remove`, done);
  };
  const closePreview = (file: AnyFile | undefined) => {
    setShown(null);
    void focus(`[data-file="${file?.id}"] .files-show`);
  };
  const move = (file: AnyFile, at: number, to: number) => {
    const done = put((ids) => {
      const rest = ids.filter((one) => one !== file.id);
      return [...rest.slice(0, to), file.id, ...rest.slice(to)];
    });
    setSaid(words.movedTo(file.name ?? words.unnamed, to + 1));
    void focus(`[data-file="${file.id}"] .files-${to > at && to < files.length - 1 ? 'down' : to === 0 ? 'down' : 'up'}`, done);
  };
  return (
    <div ref={box} className="files">
      {files.length > 0 ? (
        <ul className="files-list" aria-label={words.list(column.name)}>
          {files.map((file, at) => (
            <FileLine key={file.id} file={file} show={mayFetch ? () => setShown(at) : undefined} mayFetch={mayFetch}>
              {!readOnly && takesSeveral(column) && files.length > 1 && (
                <>
                  <ActionIcon className="files-up" variant="subtle" color="gray" aria-label={words.up(file.name ?? words.unnamed)} disabled={at === 0} onClick={() => move(file, at, at - 1)}>
                    <ArrowUp size={15} />
                  </ActionIcon>
                  <ActionIcon className="files-down" variant="subtle" color="gray" aria-label={words.down(file.name ?? words.unnamed)} disabled={at === files.length - 1} onClick={() => move(file, at, at + 1)}>
                    <ArrowDown size={15} />
                  </ActionIcon>
                </>
              )}
              {!readOnly && (
                <ActionIcon className="files-remove" variant="subtle" color="gray" aria-label={words.remove(file.name ?? words.unnamed)} onClick={() => remove(at, file)}>
                  <X size={15} />
                </ActionIcon>
              )}
            </FileLine>
          ))}
        </ul>
      ) : (
        (readOnly || note) && outbox.items.length === 0 && <p className="files-none dimmed">{words.nothing}</p>
      )}
      {!mayFetch && files.length > 0 && <p className="files-none dimmed">{words.kept}</p>}
      {removed && !files.some((file) => file.id === removed.id) && (
        <p className="files-removed">
          <span>{words.removed(removed.name)}</span>
          <Button className="files-back" size="compact-xs" variant="default" leftSection={<Undo2 size={12} aria-hidden />} onClick={() => putBack(removed)}>
            {words.putBack}
          </Button>
        </p>
      )}
      {outbox.items.length > 0 && (
        <ul className="files-list files-coming">
          {outbox.items.map((item) => (
            <ItemLine key={item.key} item={item} outbox={outbox} after={() => void focus('.files-choose')} />
          ))}
        </ul>
      )}
      {!readOnly && (note ? <p className="files-none dimmed">{note}</p> : <DropZone column={column} had={files.length} outbox={outbox} id={id} autoFocus={autoFocus} />)}
      <div className="visually-hidden" aria-live="polite">
        {said}
      </div>
      {shown !== null && files[shown] && <PreviewDialog files={files} at={shown} setAt={setShown} close={() => closePreview(files[shown])} />}
    </div>
  );
}

const factsLine = (file: FileFacts): string =>
  [bytesText(file.size), kindText(file.type), file.width && file.height ? `${file.width} × ${file.height}` : ''].filter(Boolean).join(' · ');

function FileLine({ file, show, mayFetch, children }: { file: AnyFile; show?: () => void; mayFetch: boolean; children: React.ReactNode }) {
  const name = file.name ?? (mayFetch ? words.unknown : words.unnamed);
  return (
    <li data-file={file.id}>
      {show && file.name !== undefined ? (
        <button type="button" className="files-show" aria-label={words.show(name)} onClick={show}>
          <Thumb file={file} icon={20} />
        </button>
      ) : (
        <Thumb file={file} icon={20} />
      )}
      <span className="files-about">
        <span className="files-name">{name}</span>
        {file.name !== undefined && <span className="dimmed">{factsLine(file)}</span>}
      </span>
      <span className="files-tools">
        {mayFetch && file.name !== undefined && (
          <ActionIcon component="a" href={file.url} download={file.name} variant="subtle" color="gray" aria-label={words.download(name)}>
            <Download size={15} />
          </ActionIcon>
        )}
        {children}
      </span>
    </li>
  );
}

function ItemLine({ item, outbox, after }: { item: Item; outbox: Outbox; after: () => void }) {
  const { name } = item.file;
  const failed = item.state === 'failed';
  const Icon = failed ? CircleAlert : iconOf(item.file.type);
  const arrived = item.state === 'sent' || item.state === 'keeping' || item.progress === 1;
  return (
    <li data-item={item.state}>
      <span className="thumb thumb-icon">
        <Icon size={20} aria-hidden />
      </span>
      <span className="files-about">
        <span className="files-name">{name}</span>
        {failed ? (
          <span className="files-why" role="alert">
            {item.message}
          </span>
        ) : item.state === 'waiting' ? (
          <span className="dimmed">{words.waits}</span>
        ) : (
          <>
            <progress className="files-progress" max={1} value={arrived ? undefined : item.progress} aria-label={words.sending(name)} />
            {arrived && <span className="dimmed">{words.keeping}</span>}
          </>
        )}
      </span>
      <span className="files-tools">
        {item.again && (
          <Button size="compact-xs" variant="default" leftSection={<RotateCcw size={12} aria-hidden />} aria-label={words.againOf(name)} onClick={() => outbox.again(item.key)}>
            {words.again}
          </Button>
        )}
        {item.state !== 'keeping' && (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={failed ? words.dismiss(name) : words.stop(name)}
            onClick={() => {
              outbox.drop(item.key);
              after();
            }}
          >
            <X size={15} />
          </ActionIcon>
        )}
      </span>
    </li>
  );
}

/** What fits, in words. */
function hintOf(column: FieldColumn): string {
  const several = takesSeveral(column);
  const size = sizeMax(column);
  const count = countMax(column);
  const limits = [
    words.takes(acceptOf(column)),
    Number.isFinite(size) ? (several ? words.atMost : words.atMostOne)(bytesText(size)) : '',
    several && Number.isFinite(count) ? words.upTo(count) : '',
  ];
  return limits.filter(Boolean).join(' · ');
}

function DropZone({ column, had, outbox, id, autoFocus }: { column: FieldColumn; had: number; outbox: Outbox; id?: string; autoFocus?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const several = takesSeveral(column);
  const most = countMax(column);
  if (several && had + outbox.busy >= most) return <p className="files-none dimmed">{words.full(most)}</p>;
  const hint = hintOf(column);
  const other = !several && had > 0;
  return (
    <div
      className="files-drop"
      data-over={over || undefined}
      onDragOver={(event) => {
        if (!dragsFiles(event.dataTransfer)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (!dragsFiles(event.dataTransfer)) return;
        event.preventDefault();
        setOver(false);
        const { files, folders } = dropped(event.dataTransfer);
        outbox.add(files, had, folders);
      }}
    >
      <span>{other ? words.dropOther : words.drop(several)}</span>
      <Button id={id} data-autofocus={autoFocus || undefined} className="files-choose" size="compact-sm" variant="default" aria-label={`${other ? words.chooseOther : words.choose(several)}: ${column.name}`} onClick={() => input.current?.click()}>
        {other ? words.chooseOther : words.choose(several)}
      </Button>
      {hint && <span className="files-hint dimmed">{hint}</span>}
      <input
        ref={input}
        type="file"
        multiple={several}
        accept={acceptOf(column) || undefined}
        className="visually-hidden"
        tabIndex={-1}
        aria-label={words.choose(several)}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = '';
          if (files.length > 0) outbox.add(files, had);
        }}
      />
    </div>
  );
}
