// What a cell shows of its files: one with its name, of several as many signs as there is room for, and how many more there are.
import { ROW_HEIGHTS } from '../grid/geometry';
import { text } from '../text/en';
import type { AnyFile } from './facts';
import { Thumb } from './Thumb';

/** Of a sign, by the height of the row; grid.css has the same. */
const THUMBS: [number, number][] = [[ROW_HEIGHTS.tall, 80], [ROW_HEIGHTS.medium, 40], [0, 24]];
const GAP = 6;
/** What the number of those left out takes, with the edges of the cell. */
const REST_ROOM = 46;
const SHOWN_MIN = 1;
const SHOWN_MAX = 12;

export function CellFiles({ files, width, height }: { files: AnyFile[]; width: number; height: number }) {
  const only = files[0];
  if (!only) return null;
  if (files.length === 1) {
    return (
      <span className="cell-files">
        <Thumb file={only} />
        <span className="cut">{only.name ?? text.files.unnamed}</span>
      </span>
    );
  }
  const thumb = THUMBS.find(([least]) => height >= least)?.[1] ?? 0;
  const room = Math.max(SHOWN_MIN, Math.min(SHOWN_MAX, Math.floor((width - REST_ROOM) / (thumb + GAP))));
  const shown = files.slice(0, room);
  const names = files.map((file) => file.name ?? text.files.unnamed).join(', ');
  return (
    <span className="cell-files" title={names}>
      {shown.map((file) => (
        <Thumb key={file.id} file={file} />
      ))}
      {files.length > shown.length && <span className="cell-files-rest">+{files.length - shown.length}</span>}
      <span className="visually-hidden">{names}</span>
    </span>
  );
}
