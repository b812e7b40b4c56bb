// Live queries: declared ones that the server keeps, and functions that run here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChanceryError, QueryNotDefinedError, type StoredRecord } from '@chancery/client';
import { between, refusal } from './between.js';
import { type Task, open, refused, until, withTasks } from './place.js';

test('a live list is told at once and after each change', async () => {
  const { store, tasks } = await withTasks();
  await tasks.insert({ title: 'a', priority: 2 });
  const seen: string[] = [];
  const revisions: number[] = [];
  const live = await tasks.live({ filter: { status: 'todo' }, sort: { priority: 'asc' } }, (list, { revision }) => {
    seen.push(list.map((task) => task.title).join(' '));
    revisions.push(revision);
  });
  assert.deepEqual(seen, ['a']);
  const b = await tasks.insert({ title: 'b', priority: 1 });
  const c = await tasks.insert({ title: 'c', priority: 3 });
  await tasks.update(b.id, { priority: 5 });
  await tasks.update(c.id, { status: 'done' });
  await tasks.delete(b.id);
  await store.settle();
  assert.deepEqual(seen, ['a', 'b a', 'b a c', 'a c b', 'a b', 'a']);
  assert.deepEqual(revisions, [...revisions].sort((x, y) => x - y));
  assert.deepEqual(live.current.map((task) => task.title), ['a']);
  live();
  live();
  await tasks.insert({ title: 'd' });
  await store.settle();
  assert.equal(seen.length, 6);
});

test('what is not in the answer is not told', async () => {
  const { store, tasks } = await withTasks();
  const task = await tasks.insert({ title: 'a' });
  let told = 0;
  await tasks.live({ filter: { status: 'done' } }, () => (told += 1));
  await tasks.live({ fields: ['title'] }, () => (told += 1));
  assert.equal(told, 2);
  await tasks.update(task.id, { priority: 5 });
  await store.settle();
  assert.equal(told, 2);
});

test('windows, fields, single records and figures', async () => {
  const { store, tasks } = await withTasks();
  const made = await tasks.insertMany([5, 4, 3, 2].map((priority) => ({ title: `p${priority}`, priority })));
  const window = await tasks.live({ sort: { priority: 'asc' }, offset: 1, limit: 2, fields: ['title'] }, () => undefined);
  const one = await tasks.live<StoredRecord<Task> | undefined>({ key: made[0]?.id ?? '' }, () => undefined);
  const count = await tasks.live<number>({ aggregate: { function: 'count' } }, () => undefined);
  const sum = await tasks.live<number>({ aggregate: { function: 'sum', field: 'priority' } }, () => undefined);
  const titles = (): string => window.current.map((task) => task.title).join(' ');
  assert.deepEqual([titles(), one.current?.title, count.current, sum.current], ['p3 p4', 'p5', 4, 14]);
  assert.equal(window.current[0] !== undefined && 'priority' in window.current[0], false);
  await tasks.insert({ title: 'p1', priority: 1 });
  await tasks.delete(made[0]?.id ?? '');
  await store.settle();
  assert.deepEqual([titles(), one.current, count.current, sum.current], ['p2 p3', undefined, 4, 10]);
});

test('a thousand changes applied step by step are the answer of the query', async () => {
  const { store, tasks } = await withTasks();
  const live = await tasks.live({ filter: { priority: { $gte: 2 } }, sort: { title: 'asc' } }, () => undefined);
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed % below;
  };
  const keys: string[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    const key = keys[random(keys.length || 1)];
    const change = { title: `t${random(100)}`, priority: 1 + random(5) };
    if (key === undefined || random(3) === 0) keys.push((await tasks.insert(change)).id);
    else if (random(4) === 0) await tasks.delete(keys.splice(keys.indexOf(key), 1)[0] ?? '');
    else await tasks.update(key, change);
  }
  await store.settle();
  const asked = await tasks.where({ priority: { $gte: 2 } }, { sort: { title: 'asc' } });
  assert.ok(asked.length > 50);
  const plain = (list: StoredRecord<Task>[]) => list.map(({ id, title, priority, _version }) => ({ id, title, priority, _version }));
  assert.deepEqual(plain(live.current), plain(asked));
});

test('a declared query has parameters and a name', async () => {
  const { store, tasks } = await withTasks();
  await store.defineQuery('by-status', {
    bucket: 'tasks', filter: { status: '{{ params.status }}' }, sort: { title: 'asc' },
  });
  await tasks.insertMany([{ title: 'a' }, { title: 'b', status: 'done' }]);
  const found = await store.runQuery<Task[]>('by-status', { status: 'done' });
  assert.deepEqual(found.map((task) => task.title), ['b']);
  const seen: string[] = [];
  const live = await store.subscribe<Task[]>('by-status', { status: 'todo' }, (list) => {
    seen.push(list.map((task) => task.title).join(' '));
  });
  assert.deepEqual([seen, live.current.map((task) => task.title)], [[], ['a']], 'not called with the first answer');
  await tasks.insert({ title: 'c' });
  await tasks.insert({ title: 'd', status: 'done' });
  await store.settle();
  assert.deepEqual(seen, ['a c']);
  assert.equal(await store.undefineQuery('by-status'), true);
  assert.equal(await store.undefineQuery('by-status'), false);
});

test('a query of no name is an error', async () => {
  const { store } = await withTasks();
  const error = await refused(store.runQuery('nothing'), QueryNotDefinedError);
  assert.equal(error.query, 'nothing');
  await refused(store.subscribe('nothing', () => undefined), QueryNotDefinedError);
});

test('a question that does not fit is an error', async () => {
  const { tasks } = await withTasks();
  const error = await refused(tasks.live({ filter: { title: { $foo: 'x' } } }, () => undefined), ChanceryError);
  assert.equal(error.code, 'invalidFilter');
});

test('a function runs again when what it read changed, and only then', async () => {
  const { store, tasks } = await withTasks();
  const other = await store.defineBucket('other', { key: 'id', schema: { id: { type: 'string' } } });
  const one = await tasks.insert({ title: 'one', priority: 1 });
  const two = await tasks.insert({ title: 'two', priority: 2 });
  let runs = 0;
  await store.defineQuery<string, { id: string }>('title', async (context, { id }) => {
    runs += 1;
    return (await context.bucket<Task>('tasks').get(id))?.title ?? 'gone';
  });
  const seen: unknown[] = [];
  const live = await store.subscribe('title', { id: one.id }, (title) => seen.push(title));
  assert.deepEqual([live.current, seen, runs], ['one', [], 1]);
  await tasks.update(two.id, { title: 'other key' });
  await other.insert({ id: 'x' });
  await store.settle();
  assert.equal(runs, 1, 'neither another key nor another bucket');
  await tasks.update(one.id, { priority: 5 });
  await store.settle();
  assert.deepEqual([runs, seen], [2, []], 'the same answer is not told');
  await tasks.update(one.id, { title: 'uno' });
  await store.settle();
  await tasks.delete(one.id);
  await store.settle();
  assert.deepEqual(seen, ['uno', 'gone']);
  live();
  await tasks.insert({ title: 'more' });
  await store.settle();
  assert.equal(runs, 4);
});

test('a function that reads a whole bucket follows it, and never tells an older answer after a newer', async () => {
  const { store, tasks } = await withTasks();
  await store.defineQuery('busy', async (context) => {
    const count = await context.bucket('tasks').count({ status: 'todo' });
    // A slow run must not come after a quick one.
    await new Promise((resolve) => setTimeout(resolve, count === 1 ? 50 : 0));
    return count;
  });
  const seen: number[] = [];
  const live = await store.subscribe<number>('busy', (count) => seen.push(count));
  await Promise.all(Array.from({ length: 10 }, (_, n) => tasks.insert({ title: `${n}` })));
  await store.settle();
  await until(() => live.current === 10, 'the last answer');
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
  assert.equal(seen.at(-1), 10);
});

test('a function that fails when it runs again keeps listening', async () => {
  const errors: unknown[] = [];
  const { store, tasks } = await withTasks({ onError: (error) => errors.push(error) });
  await store.defineQuery('first', async (context) => {
    const all = await context.bucket<Task>('tasks').all();
    if (all.length === 1) throw new Error('just one');
    return all.length;
  });
  const seen: unknown[] = [];
  await store.subscribe('first', (count) => seen.push(count));
  await tasks.insert({ title: 'a' });
  await store.settle();
  await tasks.insert({ title: 'b' });
  await store.settle();
  assert.deepEqual([errors.length, seen], [1, [2]]);
});

const text = { type: 'string' as const };
const byId = { key: 'id', schema: { id: text, name: text, title: text } };
const byName = { ...byId, key: 'name' };

test('a query that somebody else has defined anew is followed by its new key', async () => {
  const name = `t-${crypto.randomUUID()}`;
  const other = await open(name);
  await other.defineBucket('old', byId);
  const bucket = await other.defineBucket('new', byName);
  const store = await open(name);
  await store.defineQuery('list', { bucket: 'old', sort: { title: 'asc' } });
  (await store.subscribe('list', () => undefined))();
  await other.defineQuery('list', { bucket: 'new', sort: { title: 'asc' } });
  const told: string[] = [];
  await store.subscribe<StoredRecord[]>('list', (list) => told.push(list.map((one) => one['title']).join(' ')));
  await bucket.insertMany(['a', 'b', 'c', 'd', 'e', 'f'].map((one) => ({ id: 'same', name: one, title: one })));
  await store.settle();
  await bucket.update('a', { title: 'g' });
  await bucket.delete('b');
  await store.settle();
  assert.deepEqual(told.at(-1), 'c d e f g');
});

test('a bucket that somebody else has defined anew is followed though its key here is the old one', async () => {
  const name = `t-${crypto.randomUUID()}`;
  const other = await open(name);
  await other.defineBucket('things', byId);
  const store = await open(name);
  await other.dropBucket('things');
  const bucket = await other.defineBucket('things', byName);
  for (const ids of [{ id: 'same' }, {}]) {
    await bucket.clear();
    await bucket.insertMany(['a', 'b', 'c', 'd', 'e', 'f'].map((one) => ({ ...ids, name: one, title: one })));
    const live = await store.live<StoredRecord[]>({ bucket: 'things', sort: { title: 'asc' } }, () => undefined);
    const titles = (): string => live.current.map((one) => one['title']).join(' ');
    assert.equal(titles(), 'a b c d e f');
    await bucket.delete('b');
    await store.settle();
    await bucket.update('a', { title: 'g' });
    await store.settle();
    assert.equal(titles(), 'c d e f g');
    live();
  }
});

test('a function goes on when the stream of events that it shares has ended', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  await store.defineQuery('count', (context) => context.bucket('tasks').count());
  const one = await store.subscribe<number>('count', () => undefined);
  const two = await store.subscribe<number>('count', () => undefined);
  await tasks.insert({ title: 'a' });
  await store.settle();
  sockets.lines[0]?.say({ ...refusal(null, 'internal', 500), subscription: 1 });
  await tasks.insert({ title: 'b' });
  await until(() => one.current === 2 && two.current === 2, 'the count after the end of the stream');
  await tasks.insert({ title: 'c' });
  await store.settle();
  assert.deepEqual([one.current, two.current], [3, 3]);
  assert.equal(sockets.lines[0]?.asked.filter(({ type }) => type === 'on').length, 2, 'it is shared again');
});

test('a function that cannot reach the server when it runs again is run until it can', async () => {
  const faults: (() => Promise<Response>)[] = [];
  const { store, tasks } = await withTasks({
    retries: 0,
    fetch: (input, init) => (String(input).endsWith('/aggregate') ? faults.shift()?.() : undefined) ?? fetch(input, init),
  });
  await store.defineQuery('count', (context) => context.bucket('tasks').count());
  const told: number[] = [];
  const live = await store.subscribe<number>('count', (count) => told.push(count));
  faults.push(
    () => Promise.reject(new TypeError('unreachable')),
    () => Promise.resolve(new Response('{"code": "overloaded", "status": 503}', { status: 503 })),
  );
  await tasks.insert({ title: 'a' });
  await until(() => live.current === 1, 'the count after two runs in vain');
  assert.deepEqual([told, faults], [[1], []]);
  faults.push(...Array.from({ length: 20 }, () => () => Promise.reject(new TypeError('unreachable'))));
  await tasks.insert({ title: 'b' });
  await until(() => faults.length < 20, 'a run in vain');
  live();
  const left = faults.length;
  await store.settle();
  await sleep(300);
  assert.equal(faults.length, left, 'what has ended is not run again');
});
