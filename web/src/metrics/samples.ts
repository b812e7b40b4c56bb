// What the plots show: figures at points in time, made from two scrapes each. Draws nothing.
import { between, buckets, quantile, sum, type Scrape } from './prometheus';

/** Asked so often, and kept for half an hour. */
export const ASK_EVERY_MS = 3_000;
const KEPT_MAX = 600;

export type Series = Record<string, number | null>;

export interface Sample {
  /** In seconds since 1970, as the plots want it. */
  at: number;
  requests: Series;
  latency: Series;
  writer: Series;
  queue: Series;
  cache: Series;
  memory: Series;
  bytes: Series;
}

export type PlotName = Exclude<keyof Sample, 'at'>;

const byStatus = (first: string) => (labels: Record<string, string>) => labels.status?.startsWith(first) ?? false;
const other = (labels: Record<string, string>) => !/^[45]/.test(labels.status ?? '') && labels.route !== '/metrics';
/** Streams stay open for as long as somebody listens, and say nothing of how fast answers come. What the plots ask is not counted. */
const answers = (labels: Record<string, string>) => !['/api/live', '/api/changes', '/metrics'].includes(labels.route ?? '');

export function sampleOf(before: Scrape, after: Scrape, seconds: number, at: number): Sample {
  const rate = (name: string, wanted?: (labels: Record<string, string>) => boolean): number | null => {
    const now = sum(after, name, wanted);
    return now === undefined ? null : Math.max(0, now - (sum(before, name, wanted) ?? 0)) / seconds;
  };
  const gauge = (name: string) => sum(after, name) ?? null;
  const times = between(buckets(before, 'chancery_request_seconds', answers), buckets(after, 'chancery_request_seconds', answers));
  const ms = (share: number) => {
    const found = quantile(times, share);
    return found === null ? null : found * 1000;
  };
  const share = (level: string) => {
    const of = (labels: Record<string, string>) => labels.level === level;
    const hits = rate('chancery_cache_hits_total', of);
    const misses = rate('chancery_cache_misses_total', of);
    if (hits === null && misses === null) return null;
    const all = (hits ?? 0) + (misses ?? 0);
    return all === 0 ? null : (100 * (hits ?? 0)) / all;
  };
  return {
    at,
    requests: {
      ok: rate('chancery_requests_total', other),
      refused: rate('chancery_requests_total', byStatus('4')) ?? 0,
      failed: rate('chancery_requests_total', byStatus('5')) ?? 0,
    },
    latency: { p50: ms(0.5), p95: ms(0.95), p99: ms(0.99) },
    writer: { records: rate('chancery_records_written_total') ?? 0, commits: rate('chancery_commits_total') ?? 0 },
    queue: {
      inFlight: gauge('chancery_requests_in_flight'),
      waiting: gauge('chancery_writer_waiting'),
      readers: gauge('chancery_readers_in_use'),
    },
    cache: { hits: share('memory'), redis: share('redis') },
    memory: { resident: gauge('process_resident_memory_bytes'), cached: gauge('chancery_cache_bytes') },
    bytes: { in: rate('chancery_request_bytes_total') ?? 0, out: rate('chancery_response_bytes_total') ?? 0 },
  };
}

/** The samples of a page visit, the oldest given up first. They stay when the page is left, and go with the tab. */
export class Samples {
  list: Sample[] = [];
  latest: Scrape | null = null;
  private latestAt = 0;

  add(scrape: Scrape, now: number): void {
    const seconds = (now - this.latestAt) / 1000;
    // After a pause the difference says nothing of any one moment.
    if (this.latest && seconds > 0 && seconds < (4 * ASK_EVERY_MS) / 1000) {
      this.list = [...this.list, sampleOf(this.latest, scrape, seconds, now / 1000)].slice(-KEPT_MAX);
    }
    this.latest = scrape;
    this.latestAt = now;
  }
}

export interface RouteLoad {
  route: string;
  method: string;
  count: number;
  errors: number;
  mean: number | null;
  p95: number | null;
}

/** The routes that were asked most, since the server was started. */
export function busiest(scrape: Scrape, most: number): RouteLoad[] {
  const found = new Map<string, RouteLoad>();
  for (const { labels, value } of scrape.get('chancery_requests_total') ?? []) {
    const { route = '', method = '', status = '' } = labels;
    const key = `${method} ${route}`;
    const one = found.get(key) ?? { route, method, count: 0, errors: 0, mean: null, p95: null };
    one.count += value;
    if (status.startsWith('5')) one.errors += value;
    found.set(key, one);
  }
  const top = [...found.values()].sort((a, b) => b.count - a.count).slice(0, most);
  for (const one of top) {
    const same = (labels: Record<string, string>) => labels.route === one.route && labels.method === one.method;
    const seconds = sum(scrape, 'chancery_request_seconds_sum', same);
    const times = sum(scrape, 'chancery_request_seconds_count', same);
    if (seconds !== undefined && times) one.mean = (1000 * seconds) / times;
    const p95 = quantile(buckets(scrape, 'chancery_request_seconds', same), 0.95);
    one.p95 = p95 === null ? null : p95 * 1000;
  }
  return top;
}
