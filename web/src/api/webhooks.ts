// Webhooks and what became of their messages.
import { client, got } from './endpoints';
import { inWorkspace } from './places';
import type { WebhookCreate, WebhookUpdate } from './wire';

const named = (webhook: string) => ({ path: { webhook } });

export const webhooks = {
  list: async (workspace: string) =>
    (await got(client.GET('/api/webhooks', { params: { query: { ...inWorkspace(workspace), limit: 1000 } } }))).webhooks,
  one: (id: string) => got(client.GET('/api/webhooks/{webhook}', { params: named(id) })),
  create: (workspace: string, body: WebhookCreate) => got(client.POST('/api/webhooks', { params: { query: inWorkspace(workspace) }, body })),
  update: (id: string, body: WebhookUpdate) => got(client.PATCH('/api/webhooks/{webhook}', { params: named(id), body })),
  remove: (id: string) => got(client.DELETE('/api/webhooks/{webhook}', { params: named(id) })),
  replay: (id: string, since: number) =>
    got(client.POST('/api/webhooks/{webhook}/replay', { params: named(id), body: { since } })),
  deliveries: async (id: string) =>
    (await got(client.GET('/api/webhooks/{webhook}/deliveries', { params: named(id) }))).deliveries,
  again: (webhook: string, delivery: string) =>
    got(
      client.POST('/api/webhooks/{webhook}/deliveries/{delivery}/replay', { params: { path: { webhook, delivery } } }),
    ),
};
