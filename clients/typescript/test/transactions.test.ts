// Transactions: all or nothing, reads of their own writes, conflicts and their repetition.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BucketNotDefinedError, ForeignKeyError, type Store, type StoreEvent, TransactionConflictError, UniqueConstraintError,
  ValidationError,
} from '@chancery/client';
import { fresh, refused, withTasks } from './place.js';

interface Account {
  id: string;
  balance: number;
}

async function bank(): Promise<Store> {
  const store = await fresh();
  const accounts = await store.defineBucket<Account>('accounts', {
    key: 'id', schema: { id: { type: 'string' }, balance: { type: 'number', required: true, min: 0 } },
  });
  await accounts.insertMany([{ id: 'a', balance: 100 }, { id: 'b', balance: 0 }]);
  return store;
}

async function balances(store: Store): Promise<number[]> {
  return (await store.bucket<Account>('accounts').all()).map((account) => account.balance);
}

test('what a transaction did is there when it is done, in one commit', async () => {
  const store = await bank();
  const events: StoreEvent[] = [];
  await store.on('*', (event) => void events.push(event));
  const moved = await store.transaction(async (tx) => {
    const accounts = tx.bucket<Account>('accounts');
    const [a, b] = [await accounts.get('a'), await accounts.get('b')];
    await accounts.update('a', { balance: (a?.balance ?? 0) - 30 });
    await accounts.update('b', { balance: (b?.balance ?? 0) + 30 });
    return 30;
  });
  assert.equal(moved, 30);
  assert.deepEqual(await balances(store), [70, 30]);
  await store.settle();
  assert.equal(events.length, 2);
  assert.equal(new Set(events.map((event) => event.revision)).size, 1);
});

test('what throws leaves nothing', async () => {
  const store = await bank();
  const fault = new Error('changed my mind');
  const work = store.transaction(async (tx) => {
    await tx.bucket<Account>('accounts').update('a', { balance: 1 });
    throw fault;
  });
  assert.equal(await refused(work, Error), fault);
  const invalid = store.transaction(async (tx) => {
    await tx.bucket<Account>('accounts').update('a', { balance: 5 });
    await tx.bucket<Account>('accounts').update('b', { balance: -5 });
  });
  assert.equal((await refused(invalid, ValidationError)).issues[0]?.code, 'min');
  assert.deepEqual(await balances(store), [100, 0]);
});

test('reads see the own writes, others do not before the end', async () => {
  const { store, tasks } = await withTasks();
  await tasks.insert({ title: 'old', priority: 1 });
  await store.transaction(async (tx) => {
    const inside = tx.bucket('tasks');
    assert.equal(tx.bucket('tasks'), inside);
    const made = await inside.insert({ title: 'new', priority: 5 });
    assert.deepEqual([made['status'], made._version], ['todo', 1]);
    assert.equal((await inside.get(made['id']))?.['title'], 'new');
    assert.equal(await inside.count(), 2);
    assert.deepEqual((await inside.where({ priority: { $gte: 4 } })).map((task) => task['title']), ['new']);
    assert.equal((await inside.findOne({ title: 'old' }))?.['priority'], 1);
    assert.equal(await inside.findOne({ title: 'none' }), undefined);
    assert.equal((await inside.update(made['id'], { title: 'newer' }))['title'], 'newer');
    assert.equal(await tasks.count(), 1, 'nobody else sees it yet');
  });
  assert.deepEqual((await tasks.all()).map((task) => task.title).sort(), ['newer', 'old']);
});

test('inserted and deleted in one transaction is nothing', async () => {
  const { store, tasks } = await withTasks();
  await store.transaction(async (tx) => {
    const made = await tx.bucket('tasks').insert({ title: 'short' });
    assert.equal(await tx.bucket('tasks').delete(made['id']), true);
    assert.equal(await tx.bucket('tasks').delete('nobody'), false);
  });
  assert.equal(await tasks.count(), 0);
});

test('many at once, inside', async () => {
  const { store, tasks } = await withTasks();
  await store.transaction(async (tx) => {
    const inside = tx.bucket('tasks');
    await inside.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'c', status: 'done' }]);
    assert.equal(await inside.updateMany({ status: 'todo' }, { priority: 5 }), 2);
    assert.equal(await inside.deleteMany({ status: 'done' }), 1);
  });
  assert.deepEqual((await tasks.all()).map((task) => [task.title, task.priority]), [['a', 5], ['b', 5]]);
});

test('unique values change hands inside one transaction', async () => {
  const store = await fresh();
  const seats = await store.defineBucket('seats', {
    key: 'id', schema: { id: { type: 'string' }, guest: { type: 'string', unique: true } },
  });
  await seats.insertMany([{ id: 'one', guest: 'ann' }, { id: 'two', guest: 'bob' }]);
  await store.transaction(async (tx) => {
    const inside = tx.bucket('seats');
    await inside.update('one', { guest: 'bob' });
    await inside.update('two', { guest: 'ann' });
  });
  assert.deepEqual((await seats.all()).map((seat) => seat['guest']), ['bob', 'ann']);
  const twice = store.transaction(async (tx) => {
    await tx.bucket('seats').update('one', { guest: 'ann' });
  });
  const error = await refused(twice, UniqueConstraintError);
  assert.equal(error.field, 'guest');
});

test('what was read and changed meanwhile is a conflict, and is tried again', async () => {
  const store = await bank();
  const accounts = store.bucket<Account>('accounts');
  let runs = 0;
  await store.transaction(async (tx) => {
    runs += 1;
    const inside = tx.bucket<Account>('accounts');
    const a = await inside.get('a');
    if (runs === 1) await accounts.update('a', { balance: 50 });
    await inside.update('a', { balance: (a?.balance ?? 0) + 1 });
  });
  assert.equal(runs, 2);
  assert.equal((await accounts.get('a'))?.balance, 51, 'the write of the other is not lost');
});

test('a conflict that does not end is an error that says where', async () => {
  const store = await bank();
  const accounts = store.bucket<Account>('accounts');
  let runs = 0;
  const work = store.transaction(
    async (tx) => {
      runs += 1;
      await tx.bucket<Account>('accounts').get('a');
      await accounts.update('a', { balance: runs });
      await tx.bucket<Account>('accounts').update('b', { balance: runs });
    },
    { attempts: 3 },
  );
  const error = await refused(work, TransactionConflictError);
  assert.deepEqual([error.bucket, error.key, runs], ['accounts', 'a', 3]);
  assert.equal((await accounts.get('b'))?.balance, 0);
});

test('counters do not lose a count under contention', async () => {
  const store = await bank();
  const add = (): Promise<void> =>
    store.transaction(
      async (tx) => {
        const inside = tx.bucket<Account>('accounts');
        const b = await inside.get('b');
        await inside.update('b', { balance: (b?.balance ?? 0) + 1 });
      },
      { attempts: 100 },
    );
  await Promise.all(Array.from({ length: 20 }, add));
  assert.deepEqual(await balances(store), [100, 20]);
});

test('references and unknown buckets inside', async () => {
  const store = await fresh();
  const id = { type: 'string' as const };
  await store.defineBucket('users', { key: 'id', schema: { id } });
  await store.defineBucket('posts', { key: 'id', schema: { id, author: { type: 'string', ref: 'users' } } });
  await refused(store.transaction((tx) => tx.bucket('posts').insert({ id: 'p', author: 'zoe' })), ForeignKeyError);
  await store.transaction(async (tx) => {
    await tx.bucket('users').insert({ id: 'zoe' });
    await tx.bucket('posts').insert({ id: 'p', author: 'zoe' });
  });
  assert.equal(await store.bucket('posts').count(), 1);
  await refused(store.transaction((tx) => tx.bucket('nothing').all()), BucketNotDefinedError);
});
