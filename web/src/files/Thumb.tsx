// A file as a small sign: its thumbnail if there is one, else an icon of its kind. Opens nothing.
import { File, FileArchive, FileHeadphone, FileImage, FilePlay, FileQuestionMark, FileSpreadsheet, FileText, type LucideIcon } from 'lucide-react';
import { useState } from 'react';
import { isHeld } from '../access/rights';
import { useMe } from '../shell/Shell';
import type { AnyFile } from './facts';

const ICONS: [RegExp, LucideIcon][] = [
  [/^image\//, FileImage],
  [/^audio\//, FileHeadphone],
  [/^video\//, FilePlay],
  [/csv|tab-separated|spreadsheet|ms-excel/, FileSpreadsheet],
  [/zip|gzip|zstd|7z|x-tar/, FileArchive],
  [/^text\/|pdf|document|json|epub/, FileText],
];

export function iconOf(type: string): LucideIcon {
  return ICONS.find(([kind]) => kind.test(type))?.[1] ?? File;
}

/** Whether this person may fetch what is in files: whoever is held to some places sees only what they are called. */
export const useMayFetch = (): boolean => !isHeld(useMe());

export function Thumb({ file, icon = 18 }: { file: AnyFile; icon?: number }) {
  const mayFetch = useMayFetch();
  const [broken, setBroken] = useState('');
  const url = file.name === undefined || !mayFetch ? null : file.thumbnailUrl;
  if (url && broken !== url) {
    return <img className="thumb" src={url} alt="" loading="lazy" decoding="async" draggable={false} onError={() => setBroken(url)} />;
  }
  const Icon = file.name !== undefined ? iconOf(file.type) : mayFetch ? FileQuestionMark : File;
  return (
    <span className="thumb thumb-icon">
      <Icon size={icon} aria-hidden />
    </span>
  );
}
