// Jobs: long work that goes on in the server, and the endpoints to start and steer it. Passwords go in bodies and are kept nowhere.
import { client, got } from './endpoints';
import type { JobResume, VaultJobCreate } from './wire';

const named = (job: string) => ({ path: { job } });

export const jobs = {
  list: async () => (await got(client.GET('/api/jobs'))).jobs,
  one: (id: string) => got(client.GET('/api/jobs/{job}', { params: named(id) })),
  start: (body: VaultJobCreate) => got(client.POST('/api/vault/jobs', { body })),
  pause: (id: string) => got(client.POST('/api/jobs/{job}/pause', { params: named(id) })),
  cancel: (id: string) => got(client.POST('/api/jobs/{job}/cancel', { params: named(id) })),
  resume: (id: string, passwords: JobResume = {}) =>
    got(client.POST('/api/jobs/{job}/resume', { params: named(id), body: passwords })),
};
