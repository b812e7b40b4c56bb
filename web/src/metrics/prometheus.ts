// Reads Prometheus' text format. Knows no metric by name.

export interface Line {
  labels: Record<string, string>;
  value: number;
}

export type Scrape = ReadonlyMap<string, Line[]>;

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export function parse(body: string): Scrape {
  const found = new Map<string, Line[]>();
  for (const line of body.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const parts = LINE.exec(line);
    if (!parts) continue;
    const [, name = '', raw = '', value = ''] = parts;
    const labels: Record<string, string> = {};
    for (const [, label = '', text = ''] of raw.matchAll(LABEL)) labels[label] = text.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    const lines = found.get(name) ?? [];
    lines.push({ labels, value: value === '+Inf' ? Infinity : Number(value) });
    found.set(name, lines);
  }
  return found;
}

export type Wanted = (labels: Record<string, string>) => boolean;
const any: Wanted = () => true;

/** The sum of a metric's lines, or undefined where it has none. */
export function sum(scrape: Scrape, name: string, wanted: Wanted = any): number | undefined {
  const lines = scrape.get(name)?.filter((line) => wanted(line.labels));
  return lines && lines.length > 0 ? lines.reduce((total, line) => total + line.value, 0) : undefined;
}

/** How many were at most so much, by the upper bounds of a histogram, in order. */
export type Buckets = [bound: number, count: number][];

export function buckets(scrape: Scrape, name: string, wanted: Wanted = any): Buckets {
  const counts = new Map<number, number>();
  for (const { labels, value } of scrape.get(`${name}_bucket`) ?? []) {
    if (!wanted(labels)) continue;
    const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** What came between two scrapes. */
export function between(before: Buckets, after: Buckets): Buckets {
  const old = new Map(before);
  return after.map(([bound, count]) => [bound, Math.max(0, count - (old.get(bound) ?? 0))]);
}

/** Below which value a share of what was counted lies, as if spread evenly within its bucket; null of nothing. */
export function quantile(found: Buckets, share: number): number | null {
  const total = found.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const wanted = share * total;
  let [low, below] = [0, 0];
  for (const [bound, count] of found) {
    if (count >= wanted) {
      if (bound === Infinity) return low;
      return count === below ? bound : low + ((bound - low) * (wanted - below)) / (count - below);
    }
    [low, below] = [bound, count];
  }
  return low;
}
