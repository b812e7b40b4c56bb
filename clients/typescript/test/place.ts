// Where the tests run: the server that the run was given, and a workspace of its own for each store. Tests nothing.
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Chancery, type BucketDefinition, type Issue, Store, type StoreOptions, ValidationError,
} from '@chancery/client';

/** The server: `cargo xtask client` starts one. */
export const url = needed('CHANCERY_URL');
/** A key of the scope admin. */
export const key = needed('CHANCERY_KEY');

const admin = new Chancery({ url, key });
const stores: Store[] = [];
const names = new Set<string>();

/** A store in a workspace that nobody else uses; gone when the file's tests are over. */
export async function fresh(options: StoreOptions = {}): Promise<Store> {
  return open(`t-${crypto.randomUUID()}`, options);
}

/** A store in a workspace by name, stopped when the file's tests are over. */
export async function open(name: string, options: StoreOptions = {}): Promise<Store> {
  const failures: StoreOptions = {
    onError: (error) => {
      throw error;
    },
  };
  const store = await Store.start({ url, key, name, ...failures, ...options });
  stores.push(store);
  names.add(store.http.workspace ?? '');
  return store;
}

after(async () => {
  await Promise.all(stores.map((store) => store.stop()));
  for (const workspace of names) await admin.delete('/api/workspaces/{workspace}', { params: { workspace } });
});

/** The bucket most tests use. */
export const TASKS: BucketDefinition = {
  key: 'id',
  schema: {
    id: { type: 'string', generated: 'uuid' },
    title: { type: 'string', required: true, minLength: 1, maxLength: 200 },
    status: { type: 'string', enum: ['todo', 'in_progress', 'done'], default: 'todo' },
    priority: { type: 'number', min: 1, max: 5, default: 3 },
    tags: { type: 'array', default: [] },
  },
  indexes: ['status'],
};

export interface Task {
  id: string;
  title: string;
  status: string;
  priority: number;
  tags: string[];
}

/** A store with an empty bucket of tasks. */
export async function withTasks(options: StoreOptions = {}) {
  const store = await fresh(options);
  return { store, tasks: await store.defineBucket<Task>('tasks', TASKS) };
}

/** The issues of a refused write as field, code and message. */
export async function issues(write: Promise<unknown>): Promise<[string, string, string][]> {
  const error = await refused(write, ValidationError);
  return error.issues.map((issue: Issue) => [issue.field, issue.code, issue.message]);
}

/** The error of what must fail, of the class it must have. */
export async function refused<E extends Error>(work: Promise<unknown>, kind: new (...given: never[]) => E): Promise<E> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof kind, `expected ${kind.name}, got ${error === undefined ? 'no error' : String(error)}`);
  return error;
}

/** Waits until something holds, but not for ever. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `did not happen in time: ${what}`);
    await sleep(10);
  }
}

function needed(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: \`cargo xtask client\` runs these tests`);
  return value;
}
