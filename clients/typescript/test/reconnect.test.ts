// What happens when connections are lost: streams go on without a gap, answers become right again, nothing stays open.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChanceryError, Store, type StoreEvent } from '@chancery/client';
import { between, refusal } from './between.js';
import { TASKS, type Task, key, open, refused, until, withTasks } from './place.js';
import { wire } from './wire.js';

async function twoStores() {
  const line = await wire();
  const name = `t-${crypto.randomUUID()}`;
  const direct = await open(name);
  const tasks = await direct.defineBucket<Task>('tasks', TASKS);
  const wired = await open(name, { url: line.url });
  return { line, direct, tasks, wired };
}

test('no event is missed and none comes twice over lost connections', async () => {
  const { line, tasks, wired } = await twoStores();
  const numbers: number[] = [];
  const titles: string[] = [];
  await wired.on('bucket.tasks.*', (event: StoreEvent) => {
    numbers.push(event.number);
    titles.push(event.record?.['title'] as string);
  });
  const expected: string[] = [];
  for (let n = 0; n < 300; n += 1) {
    expected.push(`${n}`, `${n}b`);
    // Two changes in one commit, so that a connection may be lost between them.
    await tasks.insertMany([{ title: `${n}` }, { title: `${n}b` }]);
    if (n % 30 === 17) line.cut();
    if (n === 100) line.break();
    if (n === 150) line.mend();
  }
  await until(() => titles.length >= expected.length, 'all events');
  await wired.settle();
  assert.deepEqual(titles, expected);
  assert.ok(numbers.every((number, n) => n === 0 || number > (numbers[n - 1] ?? 0)));
});

test('a live list is right again after a lost connection', async () => {
  const { line, tasks, wired } = await twoStores();
  await tasks.insert({ title: 'a' });
  const seen: string[] = [];
  const reasons: (string | undefined)[] = [];
  await wired.bucket<Task>('tasks').live({ sort: { title: 'asc' } }, (list, { reason }) => {
    seen.push(list.map((task) => task.title).join(' '));
    reasons.push(reason);
  });
  line.break();
  await tasks.insert({ title: 'b' });
  await tasks.insert({ title: 'c' });
  assert.deepEqual(seen, ['a']);
  line.mend();
  await until(() => seen.length > 1, 'the new answer');
  assert.deepEqual([seen, reasons], [['a', 'a b c'], [undefined, 'resumed']]);
  await tasks.insert({ title: 'd' });
  await wired.settle();
  assert.equal(seen.at(-1), 'a b c d');
  line.cut();
  await wired.settle();
  assert.equal(seen.length, 3, 'an answer that is the same is not told again');
});

test('a function follows over a lost connection', async () => {
  const { line, tasks, wired } = await twoStores();
  await wired.defineQuery('count', (context) => context.bucket('tasks').count());
  const live = await wired.subscribe<number>('count', () => undefined);
  line.break();
  await tasks.insert({ title: 'a' });
  line.mend();
  await until(() => live.current === 1, 'the count');
});

test('a transaction that is cut off is tried again and done once', async () => {
  const { line, tasks, wired } = await twoStores();
  let runs = 0;
  await wired.transaction(async (tx) => {
    runs += 1;
    await tx.bucket('tasks').insert({ title: `run ${runs}` });
    if (runs === 1) line.cut();
    await tx.bucket('tasks').count();
  });
  assert.equal(runs, 2);
  assert.deepEqual((await tasks.all()).map((task) => task.title), ['run 2']);
});

test('a transaction does not go on over another connection, where its number is that of another', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  let runs = 0;
  let first: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (first = resolve));
  const one = store.transaction(async (tx) => {
    runs += 1;
    const run = runs;
    await tx.bucket('tasks').insert({ title: `one ${run}` });
    if (run === 1) await held;
    await tx.bucket('tasks').insert({ title: `one ${run} to its end` });
  });
  await until(() => sockets.lines[0]?.asked.some(({ type }) => type === 'do') ?? false, 'the first write');
  sockets.lines[0]?.cut();
  await store.transaction(async (tx) => {
    await tx.bucket('tasks').insert({ title: 'two' });
    first?.();
    await one;
    await tx.bucket('tasks').insert({ title: 'two to its end' });
  });
  assert.equal(sockets.lines.length, 2);
  assert.equal(runs, 2);
  assert.deepEqual((await tasks.all()).map((task) => task.title).sort(), ['one 2', 'one 2 to its end', 'two', 'two to its end']);
});

test('a transaction whose connection was lost is not committed over another', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  let runs = 0;
  await store.transaction(async (tx) => {
    runs += 1;
    await tx.bucket('tasks').insert({ title: `run ${runs}` });
    if (runs > 1) return;
    sockets.lines[0]?.cut();
    // Connected again, and there is a transaction with this number.
    await store.settle();
    void store.transaction((other) => other.bucket('tasks').count().then(() => sleep(100)));
    await until(() => sockets.lines[1]?.asked.some(({ type }) => type === 'do') ?? false, 'the other transaction');
  });
  assert.equal(runs, 2);
  assert.deepEqual((await tasks.all()).map((task) => task.title), ['run 2']);
});

test('a commit whose answer is lost is not tried again, and says that it is unsure', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  sockets.up = (frame, line) => {
    if (frame.type === 'commit') void sleep(50).then(() => line.cut());
    return true;
  };
  sockets.down = (frame, line) => line.asked.at(-1)?.type !== 'commit' || frame.type !== 'result';
  let runs = 0;
  const work = store.transaction(async (tx) => {
    runs += 1;
    await tx.bucket('tasks').insert({ title: 'once' });
  });
  assert.equal((await refused(work, ChanceryError)).code, 'commitUnsure');
  assert.deepEqual([runs, await tasks.count()], [1, 1]);
});

test('a server that is busy for a while ends no subscription', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  const heard: string[] = [];
  await store.on('bucket.tasks.inserted', (event) => void heard.push(event.record?.['title'] as string));
  const live = await tasks.live<number>({ aggregate: { function: 'count' } }, () => undefined);
  const busy = new Map([['auth', 1], ['on', 2], ['subscribe', 2]]);
  sockets.up = (frame, line) => {
    const left = busy.get(frame.type) ?? 0;
    busy.set(frame.type, left - 1);
    if (left > 0) line.say(refusal(frame.id, 'overloaded', 503));
    return left <= 0;
  };
  sockets.lines[0]?.cut();
  await tasks.insert({ title: 'a' });
  await until(() => heard.length === 1 && live.current === 1, 'the streams after a busy server');
  assert.equal(sockets.lines.length, 3, 'one more for the refused key, none for refused subscriptions');
  // What is subscribed ends in the same way: by a frame of its own.
  busy.set('on', 1).set('subscribe', 1);
  for (const subscription of [1, 2]) sockets.lines.at(-1)?.say({ ...refusal(null, 'storageUnavailable', 503), subscription });
  await tasks.insert({ title: 'b' });
  await until(() => heard.length === 2 && live.current === 2, 'the streams after they were ended');
  assert.deepEqual(heard, ['a', 'b']);
});

test('the first answer of a busy server is the caller\'s', async () => {
  const sockets = await between();
  const { store } = await withTasks({ WebSocket: sockets.WebSocket });
  sockets.up = (frame, line) => {
    if (frame.type === 'on') line.say(refusal(frame.id, 'overloaded', 503));
    return frame.type !== 'on';
  };
  assert.equal((await refused(store.on('*', () => undefined), ChanceryError)).code, 'overloaded');
});

test('what is asked meanwhile comes after the streams, also when the connection is lost once more', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  const live = await tasks.live<number>({ aggregate: { function: 'count' } }, () => undefined);
  const heard: string[] = [];
  await store.on('bucket.tasks.*', (event) => void heard.push(event.type));
  sockets.up = (frame, line) => {
    // The second connection is lost before anything is answered.
    if (line.number === 2 && frame.type === 'barrier') void sleep(20).then(() => line.cut());
    return line.number !== 2 || frame.type === 'auth';
  };
  await tasks.insert({ title: 'a' });
  sockets.lines[0]?.cut();
  const told = store.settle().then(() => [live.current, heard.length]);
  assert.deepEqual(await told, [1, 1], 'everything has been told when the question is answered');
  const order = sockets.lines[2]?.asked.map(({ type }) => type);
  assert.deepEqual(order, ['auth', 'subscribe', 'on', 'barrier']);
});

test('a stream that nothing fits moves on with the log', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  const heard: string[] = [];
  await store.on('bucket.tasks.deleted', (event) => void heard.push(event.type));
  const first = await tasks.insert({ title: 'a' });
  await tasks.insert({ title: 'b' });
  const before = store.http.revision;
  let answered = false;
  sockets.down = (frame, line) => {
    answered ||= line.asked.some(({ type, id }) => type === 'barrier' && id === frame.id);
    return true;
  };
  context.mock.timers.tick(20_000);
  await until(() => answered, 'the answer to how far it is');
  sockets.lines[0]?.cut();
  await tasks.delete(first.id);
  await until(() => heard.length > 0, 'the event');
  const again = sockets.lines[1]?.asked.find(({ type }) => type === 'on');
  assert.ok((again?.['since'] as number) >= before, 'what has passed is not asked for again');
});

test('an unreachable server is an error that says so', async () => {
  const error = await refused(Store.start({ url: 'http://127.0.0.1:9', key, retries: 0 }), ChanceryError);
  assert.deepEqual([error.code, error.status], ['unreachable', 0]);
});

test('a wrong key is an error over HTTP and over the WebSocket', async () => {
  const line = await wire();
  const error = await refused(Store.start({ url: line.url, key: `${key}x` }), ChanceryError);
  assert.deepEqual([error.code, error.status], ['unauthenticated', 401]);
  const none = await refused(Store.start({ url: line.url }), ChanceryError);
  assert.equal(none.code, 'unauthenticated');
});

test('a key that is revoked ends the subscriptions and says so', async () => {
  const { direct } = await twoStores();
  const made = await direct.http.post('/api/api-keys', { body: { name: 'short', scope: 'write' } });
  const errors: unknown[] = [];
  const store = await open(direct.name, { key: made.key, onError: (error) => errors.push(error) });
  await store.on('*', () => undefined);
  await direct.http.delete('/api/api-keys/{apiKey}', { params: { apiKey: made.id } });
  await until(() => errors.length > 0, 'the end of the subscription');
  assert.equal((errors[0] as ChanceryError).code, 'unauthenticated');
});

test('stop leaves nothing open and ends what is going on', async () => {
  const { line, tasks, wired } = await twoStores();
  let told = 0;
  await wired.on('*', () => (told += 1));
  await wired.bucket('tasks').live({}, () => undefined);
  await tasks.insert({ title: 'a' });
  await wired.settle();
  const waiting: Promise<unknown>[] = [];
  let begun = 0;
  // More than may be open at once: the last ones wait for their turn.
  for (let n = 0; n < 20; n += 1) {
    waiting.push(
      wired.transaction(() => {
        begun += 1;
        return new Promise<void>(() => undefined);
      }),
    );
  }
  const codes = Promise.all(waiting.map(async (one) => (await refused(one, ChanceryError)).code));
  await until(() => begun === 16, 'as many transactions as may be open');
  await wired.stop();
  assert.deepEqual(new Set(await codes), new Set(['stopped']));
  await wired.stop();
  await tasks.insert({ title: 'b' });
  await sleep(50);
  assert.equal(told, 1);
  await until(() => line.open <= 1, 'the socket is closed; what is left is kept by fetch');
  assert.equal((await refused(wired.on('*', () => undefined), ChanceryError)).code, 'stopped');
});

test('a transaction that is being committed when all is stopped is unsure', async () => {
  const sockets = await between();
  const { store, tasks } = await withTasks({ WebSocket: sockets.WebSocket });
  sockets.up = ({ type }) => type !== 'commit';
  const work = refused(store.transaction((tx) => tx.bucket('tasks').insert({ title: 'a' })), ChanceryError);
  await until(() => sockets.lines[0]?.asked.some(({ type }) => type === 'commit') ?? false, 'the commit');
  await store.stop();
  assert.equal((await work).code, 'commitUnsure');
  assert.equal(await tasks.count(), 0);
});

test('nobody waits for ever for a place among the open transactions', async (context) => {
  const { store } = await withTasks();
  const ends: (() => void)[] = [];
  const open = Array.from({ length: 16 }, () => store.transaction(() => new Promise<void>((resolve) => ends.push(resolve))));
  await until(() => ends.length === 16, 'as many transactions as may be open');
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const late = refused(store.transaction(() => undefined), ChanceryError);
  context.mock.timers.tick(30_000);
  assert.equal((await late).code, 'timeout');
  context.mock.timers.reset();
  const next = store.transaction((tx) => tx.bucket('tasks').count());
  ends.shift()?.();
  assert.equal(await next, 0, 'the place of one that has ended is free');
  for (const end of ends) end();
  await Promise.all(open);
});
