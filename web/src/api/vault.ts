// The endpoints of the vault and of jobs. What holds a value, a password or a token is never put into the query cache.
import { client, got, ifMatch } from './endpoints';
import type { SecretCreate, SecretInfo, SecretList, SecretQuery } from './wire';

const PAGE = 50;
const AUDIT_PAGE = 50;

/** Whoever manages the vault names a secret by its id; nobody reads a value by it. */
const named = (secret: string) => ({ path: { secret } });

/** What every look-up by tokens is asked for beside them. */
const EVERYTHING: SecretQuery = {
  ids: null, tokens: null, kind: null, createdFrom: null, createdUntil: null, expiry: 'any', state: 'all', metadata: {},
  order: 'id', direction: 'asc', limit: null, cursor: null, count: 'none',
};

export const vault = {
  status: () => got(client.GET('/api/vault/status')),
  list: (asked: SecretQuery, cursor?: string): Promise<SecretList> =>
    got(
      client.POST('/api/vault/tokens/query', {
        body: { ...asked, limit: PAGE, cursor: cursor ?? null, count: cursor ? 'none' : 'exact' },
      }),
    ),
  /** What is known of the secret with a token, in whatever state it is. */
  byToken: async (token: string): Promise<SecretInfo | undefined> => {
    const body = { ...EVERYTHING, tokens: [token] };
    return (await got(client.POST('/api/vault/tokens/query', { body }))).secrets[0];
  },
  /** What is known of the secret with an id, in whatever state it is. */
  byId: async (id: string): Promise<SecretInfo | undefined> => {
    const body = { ...EVERYTHING, ids: [id] };
    return (await got(client.POST('/api/vault/tokens/query', { body }))).secrets[0];
  },
  create: (body: SecretCreate) => got(client.POST('/api/vault/tokens', { body })),
  read: (token: string, password?: string) =>
    got(client.POST('/api/vault/tokens/read', { body: { token, password } })),
  update: (token: string, value: string, password?: string) =>
    got(client.POST('/api/vault/tokens/update', { body: { token, value, password } })),
  changePassword: (token: string, password: string | undefined, newPassword: string | null) =>
    got(client.POST('/api/vault/tokens/change-password', { body: { token, password, newPassword } })),
  renewByToken: (token: string, expiresAt: string | null, password?: string) =>
    got(client.POST('/api/vault/tokens/renew', { body: { token, expiresAt, password } })),
  removeByToken: (token: string, password?: string) =>
    got(client.POST('/api/vault/tokens/delete', { body: { token, password, permanent: false } })),
  wrapValue: (value: string, expiresAt: string | null) =>
    got(client.POST('/api/vault/tokens/wrap', { body: { value, expiresAt } })),
  wrapToken: (token: string, password: string | undefined, expiresAt: string | null) =>
    got(client.POST('/api/vault/tokens/wrap', { body: { token, password, expiresAt } })),
  wrapInfo: (token: string) => got(client.POST('/api/vault/tokens/wrap-info', { body: { token } })),
  unwrap: (token: string) => got(client.POST('/api/vault/tokens/unwrap', { body: { token } })),
  patch: (secret: SecretInfo, body: { metadata?: Record<string, string>; expiresAt?: string | null }) =>
    got(
      client.PATCH('/api/vault/tokens/{secret}', {
        params: named(secret.id),
        headers: ifMatch(secret.rowVersion),
        body,
      }),
    ),
  remove: (secret: string, permanent: boolean) =>
    got(client.DELETE('/api/vault/tokens/{secret}', { params: { ...named(secret), query: { permanent } } })),
  restore: (secret: string) => got(client.POST('/api/vault/tokens/{secret}/restore', { params: named(secret) })),
  versions: async (secret: string) =>
    (await got(client.GET('/api/vault/tokens/{secret}/versions', { params: named(secret) }))).versions,
  destroyVersion: (secret: string, version: number) =>
    got(client.DELETE('/api/vault/tokens/{secret}/versions/{version}', { params: { path: { secret, version } } })),
  rollBack: (secret: string, version: number) =>
    got(client.POST('/api/vault/tokens/{secret}/roll-back', { params: named(secret), body: { version } })),
  audit: (secret?: string, cursor?: string) =>
    got(client.GET('/api/vault/audit', { params: { query: { secret, cursor, limit: AUDIT_PAGE } } })),
  verify: () => got(client.POST('/api/vault/audit/verify', { body: {} })),
  newKey: () => got(client.POST('/api/vault/keys')),
  retireKey: (kid: number) => got(client.DELETE('/api/vault/keys/{kid}', { params: { path: { kid } } })),
  sweep: (permanent: boolean) => got(client.POST('/api/vault/sweep', { body: { permanent } })),
};
