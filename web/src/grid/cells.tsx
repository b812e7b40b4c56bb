// How a value looks in a cell. Draws text and small signs only; never markup from a value.
import { Check, Lock, Star } from 'lucide-react';
import type { FieldColumn as Column } from '../api/wire';
import { displayText, findOption, ratingMax } from '../fields/registry';
import { CellFiles } from '../files/CellFiles';
import type { AnyFile } from '../files/facts';
import { paletteColor } from '../ui/TableMark';

export function Pill({ name, color }: { name: string; color?: string | null }) {
  return (
    <span className="pill" data-color={paletteColor(color)}>
      {name}
    </span>
  );
}

function Stars({ value, max }: { value: number; max: number }) {
  return (
    <span className="stars" aria-label={`${value} / ${max}`} role="img">
      {Array.from({ length: Math.min(max, 10) }, (_, i) => (
        <Star key={i} size={13} data-on={i < value || undefined} aria-hidden />
      ))}
    </span>
  );
}

export function CellValue({
  value,
  column,
  display,
  files,
  width = 0,
  height = 0,
}: {
  value: unknown;
  column: Column;
  display?: string;
  /** Those that the value names. */
  files?: AnyFile[];
  /** Of the cell, in pixels. */
  width?: number;
  /** Of the row. */
  height?: number;
}) {
  if (value === null || value === undefined || value === '') return null;
  if (column.encrypted) {
    return (
      <span className="veiled">
        <Lock size={12} aria-hidden /> {String(value)}
      </span>
    );
  }
  switch (column.fieldType) {
    case 'boolean':
      return value === true ? (
        <Check size={15} className="tick" aria-label="✓" role="img" />
      ) : (
        <span className="untick" />
      );
    case 'rating':
      return typeof value === 'number' ? (
        <Stars value={value} max={ratingMax(column)} />
      ) : (
        <>{displayText(value, column, display)}</>
      );
    case 'select': {
      const option = findOption(column, value);
      return <Pill name={option?.name ?? display ?? String(value)} color={option?.color} />;
    }
    case 'multiSelect':
      if (!Array.isArray(value)) return <>{displayText(value, column, display)}</>;
      return (
        <>
          {value.map((one, i) => {
            const option = findOption(column, one);
            return <Pill key={i} name={option?.name ?? String(one)} color={option?.color} />;
          })}
        </>
      );
    case 'user':
      return <Pill name={displayText(value, column, display)} color="blue" />;
    case 'relation':
      return Array.isArray(value) && value.length === 0 ? null : <Pill name={displayText(value, column, display)} />;
    case 'file':
    case 'files':
      return files ? <CellFiles files={files} width={width} height={height} /> : <>{displayText(value, column, display)}</>;
    case 'button':
      return <span className="cell-button">{displayText(value, column, display)}</span>;
    default:
      return <>{displayText(value, column, display)}</>;
  }
}
