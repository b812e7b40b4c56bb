// Figures of the plots with their units, short enough for an axis.
import { words } from '../text/admin';
import type { PlotName } from './samples';

const plain = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const STEPS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(value: number): string {
  let [n, step] = [value, 0];
  while (n >= 1000 && step < STEPS.length - 1) [n, step] = [n / 1000, step + 1];
  return `${plain.format(n)} ${STEPS[step]}`;
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${plain.format(value / 1000)} s` : `${plain.format(value)} ms`;
}

export function rate(value: number): string {
  return `${value >= 1000 ? compact.format(value) : plain.format(value)}${words.metrics.perSecond}`;
}

export const UNITS: Record<PlotName, (value: number) => string> = {
  requests: rate,
  latency: milliseconds,
  writer: rate,
  queue: (value) => plain.format(value),
  cache: (value) => `${plain.format(value)} %`,
  memory: bytes,
  bytes: (value) => `${bytes(value)}${words.metrics.perSecond}`,
};
