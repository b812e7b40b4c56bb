// What the server says of itself: version, sizes, counts, and a backup of everything.
import { client, got } from './endpoints';
import { send } from './http';

export const server = {
  health: () => got(client.GET('/healthz')),
  stats: () => got(client.GET('/api/stats')),
  /** Prometheus' text format. */
  metrics: async (signal?: AbortSignal) => (await send('/metrics', { headers: { accept: 'text/plain' }, signal })).text(),
};
