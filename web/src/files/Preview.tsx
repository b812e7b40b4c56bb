// One file after the other, large: its picture, what is known of it, and the way to have it. Changes nothing.
import { ActionIcon, Button } from '@mantine/core';
import { ArrowLeft, ArrowRight, Download, ExternalLink } from 'lucide-react';
import { useState, type KeyboardEvent } from 'react';
import type { FileFacts } from '../api/wire';
import '../styles/files.css';
import { kindText, words } from '../text/files';
import { Dialog } from '../ui/Dialog';
import { bytesText } from '../ui/size';
import { when } from '../ui/time';
import type { AnyFile } from './facts';
import { iconOf } from './Thumb';

/** Pictures that browsers draw; of others there may be a thumbnail. Nothing in a picture runs. */
const DRAWN = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp', 'image/svg+xml']);
/** Above this, the small picture has to do. */
const DRAWN_BYTES_MAX = 30_000_000;
/** What the server lets a browser open rather than save. */
const OPENED = /^(image\/(?!svg)|audio\/|video\/|text\/plain$)/;

const w = words.preview;

interface PreviewProps {
  files: AnyFile[];
  at: number;
  setAt: (at: number) => void;
  close: () => void;
}

export function PreviewDialog({ files, at, setAt, close }: PreviewProps) {
  const file = files[at];
  if (!file) return null;
  const several = files.length > 1;
  const step = (by: number) => setAt((at + by + files.length) % files.length);
  const onKeyDown = (event: KeyboardEvent) => {
    // Nothing of what is pressed here is for what lies below.
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (several && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault();
      step(event.key === 'ArrowRight' ? 1 : -1);
    }
  };
  return (
    <Dialog onClose={close} size="xl" zIndex={300} title={<span className="preview-title">{file.name ?? words.unnamed}</span>} onKeyDown={onKeyDown}>
      <div className="preview">
        <div className="preview-stage">
          {several && (
            <ActionIcon className="preview-step" size="lg" radius="xl" variant="default" aria-label={w.previous} onClick={() => step(-1)}>
              <ArrowLeft size={18} />
            </ActionIcon>
          )}
          <Picture key={file.id} file={file} />
          {several && (
            <ActionIcon className="preview-step" size="lg" radius="xl" variant="default" aria-label={w.next} data-autofocus onClick={() => step(1)}>
              <ArrowRight size={18} />
            </ActionIcon>
          )}
        </div>
        {file.name !== undefined && <About file={file} autoFocus={!several} />}
        <div className="preview-place dimmed" aria-live="polite">
          {several && w.place(at + 1, files.length)}
          <span className="visually-hidden">{file.name ?? words.unknown}</span>
        </div>
      </div>
    </Dialog>
  );
}

function Picture({ file }: { file: AnyFile }) {
  const [failed, setFailed] = useState(false);
  const [drawn, setDrawn] = useState(false);
  if (file.name === undefined) return <NoPicture type="" why={w.gone} />;
  const whole = DRAWN.has(file.type) && file.size <= DRAWN_BYTES_MAX;
  const url = whole ? `${file.url}?inline=true` : file.thumbnailUrl;
  if (failed || !url) return <NoPicture type={file.type} why={failed ? w.failed : w.none} />;
  return <img className="preview-picture" data-drawn={drawn || undefined} src={url} alt={file.name} width={file.width ?? undefined} height={file.height ?? undefined} onLoad={() => setDrawn(true)} onError={() => setFailed(true)} />;
}

function NoPicture({ type, why }: { type: string; why: string }) {
  const Icon = iconOf(type);
  return (
    <div className="preview-none">
      <Icon size={56} strokeWidth={1.2} aria-hidden />
      <p>{why}</p>
    </div>
  );
}

function About({ file, autoFocus }: { file: FileFacts; autoFocus: boolean }) {
  const facts: [string, string][] = [
    [w.size, bytesText(file.size)],
    [w.type, kindText(file.type)],
    ...(file.width && file.height ? ([[w.pixels, `${file.width} × ${file.height}`]] as [string, string][]) : []),
    [w.came, when(file.createdAt)],
  ];
  return (
    <div className="preview-about">
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <span className="preview-tools">
        {OPENED.test(file.type) && (
          <Button component="a" href={`${file.url}?inline=true`} target="_blank" rel="noopener" variant="default" leftSection={<ExternalLink size={14} aria-hidden />}>
            {w.open}
          </Button>
        )}
        <Button component="a" href={file.url} download={file.name} data-autofocus={autoFocus || undefined} leftSection={<Download size={14} aria-hidden />}>
          {w.download}
        </Button>
      </span>
    </div>
  );
}
