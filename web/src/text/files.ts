// Every word of files: how they are shown, brought and taken out.
import { n } from './en';

const KINDS: Record<string, string | undefined> = {
  'image/*': 'pictures', 'audio/*': 'sound', 'video/*': 'films', 'text/*': 'text', 'image/png': 'PNG', 'image/jpeg': 'JPEG', 'image/gif': 'GIF', 'image/webp': 'WebP',
  'application/pdf': 'PDF', 'application/zip': 'ZIP', 'text/csv': 'CSV', 'text/plain': 'plain text', 'application/json': 'JSON', 'image/svg+xml': 'SVG',
  'application/octet-stream': 'unknown kind',
};

/** `image/png` → `PNG`; what has no other name keeps its own. */
export const kindText = (type: string): string => KINDS[type.trim().toLowerCase()] ?? type.trim();

export const words = {
  of: (column: string, record: string) => `${column} of ${record}`,
  list: (column: string) => `What ${column} has`,
  nothing: 'No file',
  unknown: 'A file that is not here any more', unnamed: 'File',
  drop: (several: boolean) => (several ? 'Drop files here, or' : 'Drop a file here, or'), dropOther: 'Drop another file here to replace it, or',
  choose: (several: boolean) => (several ? 'Choose files' : 'Choose a file'), chooseOther: 'Choose another file',
  full: (max: number) => `That is all it takes: ${n(max, 'file')}. Take one out to bring another.`,
  takes: (accept: string) => accept.split(',').map(kindText).filter(Boolean).join(', '),
  atMost: (size: string) => `at most ${size} each`, atMostOne: (size: string) => `at most ${size}`, upTo: (count: number) => `up to ${n(count, 'file')}`,
  show: (name: string) => `Show ${name}`, download: (name: string) => `Download ${name}`, remove: (name: string) => `Take ${name} out`, up: (name: string) => `Move ${name} up`, down: (name: string) => `Move ${name} down`,
  movedTo: (name: string, to: number) => `${name} is now number ${to}`,
  removed: (name: string) => `${name} was taken out.`, putBack: 'Put it back', isBack: (name: string) => `${name} is back.`,
  came: (names: string[]) => (names.length === 1 ? `${names[0]} is here.` : `${n(names.length, 'file')} are here.`),
  sending: (name: string) => `Sending ${name}`, waits: 'Waits', keeping: 'All sent. The server looks at it…', stop: (name: string) => `Stop sending ${name}`, again: 'Try again', againOf: (name: string) => `Try again to send ${name}`, dismiss: (name: string) => `Leave ${name} out`,
  tooLarge: (size: string, max: string) => `It has ${size}; this takes at most ${max}.`,
  onlyOne: 'Only one file fits here.', tooMany: (max: number) => `No more than ${n(max, 'file')} fit here.`,
  folder: 'A folder cannot be brought; open it and choose its files.',
  broken: 'The connection broke before it arrived.', offline: 'The server did not answer. What was chosen is still here.',
  busy: (count: number) => `${n(count, 'file')} still on the way.`, wait: 'Wait', stopAll: 'Stop and close', stopped: 'What was still on the way was left out.',
  later: 'You bring files in the table: save the record, then press Enter on its cell.',
  kept: 'What is in them is not open to you. An owner or admin can change that.',
  preview: {
    place: (at: number, of: number) => `${at} of ${of}`, previous: 'Previous file', next: 'Next file', download: 'Download', open: 'Open in a new tab',
    size: 'Size', type: 'Kind', pixels: 'Pixels', came: 'Brought', none: 'This kind of file has no picture. Download it to see what is in it.', failed: 'The picture could not be shown. It may be broken, or of a kind this browser does not know.',
    gone: 'This file is not here any more. It was deleted, or never came.',
  },
  settings: {
    kinds: 'Kinds of files', kindsHint: 'Media types and endings, separated by commas. Anything if empty.', common: 'Common kinds',
    size: 'Largest file', sizeHint: 'Whatever the server takes if empty.', unit: 'Unit of the largest file', count: 'Most files', countHint: 'How many one record may have.',
    choices: { 'image/*': 'Pictures', 'application/pdf': 'PDF', 'text/csv, .xlsx': 'Tables', 'audio/*': 'Sound', 'video/*': 'Films' } as Record<string, string>,
  },
};
