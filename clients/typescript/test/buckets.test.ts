// Buckets themselves: definitions, changes of them, references, expiry, limits, figures; and stores by name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BucketAlreadyExistsError, BucketNotDefinedError, ChanceryError, ForeignKeyError, type StoreEvent,
} from '@chancery/client';
import { TASKS, fresh, issues, open, refused, until, withTasks } from './place.js';

test('a bucket is defined once', async () => {
  const { store } = await withTasks();
  const error = await refused(store.defineBucket('tasks', TASKS), BucketAlreadyExistsError);
  assert.deepEqual([error.bucket, error.status], ['tasks', 409]);
  assert.equal(await store.hasBucket('tasks'), true);
  assert.equal(await store.hasBucket('other'), false);
});

test('a definition comes back as it was given', async () => {
  const { store } = await withTasks();
  const schema = await store.getBucketSchema('tasks');
  assert.equal(schema?.key, 'id');
  assert.deepEqual(Object.keys(schema?.schema ?? {}), ['id', 'title', 'status', 'priority', 'tags']);
  assert.deepEqual(schema?.schema['title'], { type: 'string', required: true, minLength: 1, maxLength: 200 });
  assert.equal(await store.getBucketSchema('other'), undefined);
});

test('a definition that makes no sense leaves the name free', async () => {
  const store = await fresh();
  const wrong = { key: 'id', schema: { id: { type: 'string' as const } }, ttl: 'soon' };
  const error = await refused(store.defineBucket('things', wrong), ChanceryError);
  assert.equal(error.status, 422);
  await store.defineBucket('things', { ...wrong, ttl: '1h' });
});

test('a function in a definition is refused, not dropped', async () => {
  const store = await fresh();
  const schema = { id: { type: 'string' as const, default: () => 'x' } };
  const error = await refused(store.defineBucket('things', { key: 'id', schema }), ChanceryError);
  assert.match(error.message, /"default" is a function/);
});

test('a bucket that is not defined cannot be used', async () => {
  const { store, tasks } = await withTasks();
  assert.throws(() => store.bucket('other'), BucketNotDefinedError);
  assert.equal(await store.dropBucket('tasks'), true);
  assert.equal(await store.dropBucket('tasks'), false);
  assert.throws(() => store.bucket('tasks'), BucketNotDefinedError);
  await refused(tasks.all().catch((error: unknown) => Promise.reject(error)), BucketNotDefinedError);
});

test('fields, indexes and the time to live can be changed', async () => {
  const { store, tasks } = await withTasks();
  const old = await tasks.insert({ title: 'before' });
  await store.updateBucket('tasks', {
    addFields: { owner: { type: 'string', maxLength: 3 } }, addIndexes: ['priority'], ttl: '1h',
  });
  assert.deepEqual(await issues(tasks.insert({ title: 'after', owner: 'long' } as never)), [
    ['owner', 'maxLength', 'Maximum length is 3'],
  ]);
  const made = await tasks.insert({ title: 'after', owner: 'ann' } as never);
  assert.equal((made._expiresAt ?? 0) - made._createdAt, 3_600_000);
  assert.equal((await tasks.get(old.id))?.title, 'before');
  const definition = await store.updateBucket('tasks', { ttl: null });
  assert.equal(definition.ttl ?? undefined, undefined);
  assert.equal((await tasks.insert({ title: 'for ever' }))._expiresAt, undefined);
});

test('an expired record is gone at once, and the sweep says so', async () => {
  const store = await fresh();
  const sessions = await store.defineBucket('sessions', {
    key: 'token', ttl: 200, schema: { token: { type: 'string', generated: 'uuid' }, user: { type: 'string' } },
  });
  const events: StoreEvent[] = [];
  await store.on('bucket.sessions.deleted', (event) => void events.push(event));
  const session = await sessions.insert({ user: 'ann' });
  assert.equal((await sessions.get(session['token']))?.['user'], 'ann');
  await sleep(250);
  assert.equal(await sessions.get(session['token']), undefined);
  assert.equal(await sessions.count(), 0);
  await store.purgeTtl();
  await until(() => events.length > 0, 'the event of the expiry');
  assert.deepEqual([events.length, events[0]?.reason, events[0]?.key], [1, 'ttl', session['token']]);
});

test('the oldest make room where a bucket holds only so many', async () => {
  const store = await fresh();
  const recent = await store.defineBucket('recent', {
    key: 'id', maxSize: 3, schema: { id: { type: 'number', generated: 'autoincrement' }, text: { type: 'string', required: true } },
  });
  const evicted: StoreEvent[] = [];
  await store.on('bucket.recent.deleted', (event) => void evicted.push(event));
  for (const text of ['a', 'b', 'c', 'd', 'e']) await recent.insert({ text });
  assert.deepEqual((await recent.all()).map((item) => item['text']), ['c', 'd', 'e']);
  await issues(recent.insert({}));
  assert.equal(await recent.count(), 3, 'what is refused evicts nobody');
  await store.settle();
  assert.deepEqual(evicted.map((event) => [event.record?.['text'], event.reason]), [['a', 'eviction'], ['b', 'eviction']]);
});

test('references hold', async () => {
  const store = await fresh();
  const id = { type: 'string' as const };
  const users = await store.defineBucket('users', { key: 'id', schema: { id } });
  const posts = await store.defineBucket('posts', { key: 'id', schema: { id, author: { type: 'string', ref: 'users' } } });
  const likes = await store.defineBucket('likes', {
    key: 'id', schema: { id, user: { type: 'string', ref: 'users', onDelete: 'cascade' } },
  });
  await users.insert({ id: 'ann' });
  await users.insert({ id: 'bob' });
  const missing = await refused(posts.insert({ id: 'p', author: 'zoe' }), ForeignKeyError);
  assert.deepEqual([missing.bucket, missing.field], ['posts', 'author']);
  await posts.insert({ id: 'p', author: 'ann' });
  await likes.insert({ id: 'l', user: 'bob' });
  await refused(users.delete('ann'), ForeignKeyError);
  assert.notEqual(await users.get('ann'), undefined);
  assert.equal(await users.delete('bob'), true);
  assert.equal(await likes.get('l'), undefined);
});

test('stats count what there is', async () => {
  const { store, tasks } = await withTasks();
  await tasks.insertMany([{ title: 'a' }, { title: 'b' }]);
  const stats = await store.getStats();
  assert.deepEqual(stats.buckets, { count: 1, names: ['tasks'] });
  assert.deepEqual(stats.records, { total: 2, perBucket: { tasks: 2 } });
  assert.deepEqual(stats.queries, { defined: 0, activeSubscriptions: 0 });
  assert.ok(stats.revision > 0);
  await store.defineQuery('list', { bucket: 'tasks' });
  const stop = await store.subscribe('list', () => undefined);
  await tasks.live({}, () => undefined);
  assert.deepEqual((await store.getStats()).queries, { defined: 1, activeSubscriptions: 2 });
  stop();
  await store.undefineQuery('list');
  await store.settle();
  assert.deepEqual((await store.getStats()).queries, { defined: 0, activeSubscriptions: 1 });
});

test('stores of different names do not meet, and one of the same name finds what is there', async () => {
  const name = `Team ${crypto.randomUUID()}`;
  const one = await open(name);
  const tasks = await one.defineBucket('tasks', TASKS);
  await tasks.insert({ title: 'here' });
  const again = await open(name);
  assert.deepEqual((await again.bucket('tasks').all()).map((task) => task['title']), ['here']);
  const other = await fresh();
  assert.throws(() => other.bucket('tasks'), BucketNotDefinedError);
  assert.deepEqual(await (await other.defineBucket('tasks', TASKS)).all(), []);
});

test('stores of names that look alike do not meet', async () => {
  const mark = crypto.randomUUID();
  const long = `t${mark.replaceAll('-', '')}${'é'.repeat(24)}`;
  const names = [
    `t-${mark}`, `T-${mark}`, `t ${mark}`, `t.${mark}`, `t-${mark}!`, ` t-${mark}`, `-t-${mark}`,
    long, `${long}a`, `${long}b`, `${long}${'x'.repeat(50)}`, `7 ${mark}`, `w7-${mark}`, `!!!${mark}`, `???${mark}`,
    `${'長'.repeat(30)}${mark}`, `${'長'.repeat(30)}${mark}!`,
  ];
  const slugs: string[] = [];
  for (const name of names) {
    const store = await open(name);
    slugs.push(store.http.workspace ?? '');
    assert.throws(() => store.bucket('tasks'), BucketNotDefinedError, name);
    await store.defineBucket('tasks', TASKS);
    assert.equal((await open(name)).http.workspace, store.http.workspace, 'the same name is the same store');
  }
  assert.equal(new Set(slugs).size, names.length);
  assert.equal(slugs[0], names[0], 'a name that is a slug is its own');
  assert.ok(slugs.every((slug) => new TextEncoder().encode(slug).length <= 80));
});

test('a bucket that somebody else defined is there after a refresh', async () => {
  const name = `t-${crypto.randomUUID()}`;
  const one = await open(name);
  const two = await open(name);
  await one.defineBucket('tasks', TASKS);
  assert.throws(() => two.bucket('tasks'), BucketNotDefinedError);
  await two.refresh();
  await two.bucket('tasks').insert({ title: 'from two' });
  assert.equal(await one.bucket('tasks').count(), 1);
});
