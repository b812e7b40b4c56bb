// What the server says of itself: version, sizes, counts, and a backup of everything.
import { client, got } from './endpoints';
import { send } from './http';
import { inWorkspace } from './places';

export const server = {
  health: () => got(client.GET('/healthz')),
  stats: (workspace: string) => got(client.GET('/api/stats', { params: { query: inWorkspace(workspace) } })),
  /** Prometheus' text format. */
  metrics: async (signal?: AbortSignal) => (await send('/metrics', { headers: { accept: 'text/plain' }, signal })).text(),
};
