// Events: what they hold, their order, patterns, and where a stream starts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChanceryError, type StoreEvent } from '@chancery/client';
import { fresh, refused, withTasks } from './place.js';

test('every write is told with its record, in order', async () => {
  const { store, tasks } = await withTasks();
  const told: [string, StoreEvent][] = [];
  await store.on('bucket.tasks.*', (event, topic) => void told.push([topic, event]));
  const task = await tasks.insert({ title: 'a' });
  await tasks.update(task.id, { title: 'b' });
  await tasks.delete(task.id);
  await store.settle();
  assert.deepEqual(told.map(([topic]) => topic), ['bucket.tasks.inserted', 'bucket.tasks.updated', 'bucket.tasks.deleted']);
  const [inserted, updated, deleted] = told.map(([, event]) => event);
  assert.deepEqual([inserted?.type, inserted?.bucket, inserted?.key, inserted?.reason], ['inserted', 'tasks', task.id, 'user']);
  assert.deepEqual([inserted?.record?.['title'], inserted?.record?._version], ['a', 1]);
  assert.deepEqual([updated?.oldRecord?.['title'], updated?.newRecord?.['title']], ['a', 'b']);
  assert.deepEqual([updated?.oldRecord?._version, updated?.newRecord?._version], [1, 2]);
  assert.equal(deleted?.record?.['title'], 'b');
  const numbers = told.map(([, event]) => event.number);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  assert.ok((inserted?.at ?? 0) > 0 && (inserted?.revision ?? 0) < (updated?.revision ?? 0));
});

test('patterns choose', async () => {
  const store = await fresh();
  const schema = { id: { type: 'string' as const } };
  const one = await store.defineBucket('one', { key: 'id', schema });
  const two = await store.defineBucket('two', { key: 'id', schema });
  const heard: Record<string, string[]> = {};
  for (const pattern of ['*', 'bucket.*.*', 'bucket.one.*', 'bucket.*.deleted', 'bucket.two.inserted', 'table.one.inserted']) {
    heard[pattern] = [];
    await store.on(pattern, (event) => void heard[pattern]?.push(`${event.bucket} ${event.type}`));
  }
  await one.insert({ id: 'a' });
  await two.insert({ id: 'a' });
  await one.delete('a');
  await store.settle();
  const all = ['one inserted', 'two inserted', 'one deleted'];
  assert.deepEqual(heard, {
    '*': all,
    'bucket.*.*': all,
    'bucket.one.*': ['one inserted', 'one deleted'],
    'bucket.*.deleted': ['one deleted'],
    'bucket.two.inserted': ['two inserted'],
    'table.one.inserted': ['one inserted'],
  });
});

test('clearing is told', async () => {
  const { store, tasks } = await withTasks();
  await tasks.insertMany([{ title: 'a' }, { title: 'b' }]);
  const told: StoreEvent[] = [];
  await store.on('bucket.tasks.*', (event) => void told.push(event));
  await tasks.clear();
  await store.settle();
  assert.deepEqual(told.map(({ type, bucket, key, reason }) => [type, bucket, key, reason]), [['cleared', 'tasks', undefined, 'user']]);
});

test('a listener that throws is reported and stops nobody', async () => {
  const errors: unknown[] = [];
  const { store, tasks } = await withTasks({ onError: (error) => errors.push(error) });
  const fault = new Error('listener');
  const heard: string[] = [];
  await store.on('*', () => {
    throw fault;
  });
  await store.on('*', () => Promise.reject(fault));
  await store.on('*', (event) => void heard.push(event.type));
  await tasks.insert({ title: 'a' });
  await store.settle();
  assert.deepEqual([heard, errors], [['inserted'], [fault, fault]]);
});

test('unsubscribing ends it, and twice is once', async () => {
  const { store, tasks } = await withTasks();
  const heard: string[] = [];
  const stop = await store.on('*', (event) => void heard.push(event.type));
  const other: string[] = [];
  await store.on('*', (event) => void other.push(event.type));
  await tasks.insert({ title: 'a' });
  await store.settle();
  stop();
  stop();
  await tasks.insert({ title: 'b' });
  await store.settle();
  assert.deepEqual([heard.length, other.length], [1, 2]);
});

test('a stream can start in the past', async () => {
  const { store, tasks } = await withTasks();
  const first = await tasks.insert({ title: 'first' });
  const { revision } = await store.http.request('get', '/api/workspaces');
  await tasks.insert({ title: 'second' });
  await tasks.update(first.id, { title: 'third' });
  const heard: StoreEvent[] = [];
  await store.on('bucket.tasks.*', (event) => void heard.push(event), { since: revision });
  await store.settle();
  assert.deepEqual(heard.map((event) => (event.record ?? event.newRecord)?.['title']), ['second', 'third']);
});

test('a stream goes on where another one ended, also between two changes of a commit', async () => {
  const { store, tasks } = await withTasks();
  const title = (event: StoreEvent): string => event.record?.['title'] as string;
  const heard: StoreEvent[] = [];
  const stop = await store.on('bucket.tasks.*', (event) => {
    heard.push(event);
    if (title(event) === 'c') stop();
  });
  await tasks.insertMany([{ title: 'a' }, { title: 'b' }]);
  await tasks.insertMany([{ title: 'c' }, { title: 'd' }]);
  await tasks.insert({ title: 'e' });
  await store.settle();
  assert.deepEqual(heard.map(title), ['a', 'b', 'c']);
  for (const [at, later] of [[0, 'b c d e'], [1, 'c d e'], [2, 'd e']] as const) {
    const { revision, number } = heard[at] as StoreEvent;
    const rest: string[] = [];
    await store.on('bucket.tasks.*', (event) => void rest.push(title(event)), { since: revision, number });
    await store.settle();
    assert.equal(rest.join(' '), later);
  }
});

test('a topic that cannot be is refused', async () => {
  const { store } = await withTasks();
  const error = await refused(store.on('bucket..inserted', () => undefined), ChanceryError);
  assert.deepEqual([error.code, error.status], ['invalidFilter', 422]);
});
