// Filters, order, pages, figures and many records at once. Nothing is pushed here.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type BucketHandle, ChanceryError, UniqueConstraintError, ValidationError } from '@chancery/client';
import { fresh, refused, withTasks } from './place.js';

interface Item {
  id: number;
  name: string;
  group?: string;
  size?: number;
}

describe('questions about eight items', () => {
  let items: BucketHandle<Item>;

  before(async () => {
    const store = await fresh();
    items = await store.defineBucket<Item>('items', {
      key: 'id',
      schema: {
        id: { type: 'number', generated: 'autoincrement' },
        name: { type: 'string', required: true, unique: true },
        group: { type: 'string' },
        size: { type: 'number' },
      },
      indexes: ['group'],
    });
    await items.insertMany(
      ['ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu', 'hen'].map((name, n) => ({
        name, ...(n < 6 ? { group: n % 2 === 0 ? 'even' : 'odd' } : {}), ...(n === 7 ? {} : { size: n * 10 }),
      })),
    );
  });

  const names = async (found: Promise<Item[]>): Promise<string> => (await found).map((item) => item.name).join(' ');

  const FILTERS: [string, Parameters<BucketHandle<Item>['where']>[0], string][] = [
    ['nothing asked is everything', {}, 'ant bee cat dog eel fox gnu hen'],
    ['equal', { group: 'odd' }, 'bee dog fox'],
    ['several fields', { group: 'odd', size: 30 }, 'dog'],
    ['greater and less', { size: { $gt: 10, $lte: 40 } }, 'cat dog eel'],
    ['between', { size: { $between: [10, 20] } }, 'bee cat'],
    ['one of', { name: { $in: ['fox', 'ant', 'owl'] } }, 'ant fox'],
    ['none of', { name: { $nin: ['fox', 'ant'] } }, 'bee cat dog eel gnu hen'],
    ['not', { name: { $neq: 'ant' } }, 'bee cat dog eel fox gnu hen'],
    ['contains', { name: { $contains: 'E' } }, 'bee eel hen'],
    ['starts and ends', { name: { $startsWith: 'e', $endsWith: 'l' } }, 'eel'],
    ['has a value', { group: { $exists: true } }, 'ant bee cat dog eel fox'],
    ['has none', { group: { $exists: false } }, 'gnu hen'],
    ['is null, on an index as elsewhere', { group: null }, 'gnu hen'],
    ['either', { $or: [{ name: 'ant' }, { size: { $gte: 60 } }] }, 'ant gnu'],
    ['either, and a field', { group: 'odd', $or: [{ name: 'ant' }, { size: { $gte: 30 } }] }, 'dog fox'],
    ['none of nothing', { $or: [] }, ''],
    ['all of nothing', { $and: [] }, 'ant bee cat dog eel fox gnu hen'],
    ['metadata', { _version: 2 }, ''],
  ];
  for (const [what, filter, found] of FILTERS) {
    test(`where: ${what}`, async () => {
      assert.equal(await names(items.where(filter)), found);
      assert.equal(await items.count(filter), found === '' ? 0 : found.split(' ').length);
    });
  }

  test('an unknown operator is an error, not everything', async () => {
    const error = await refused(items.where({ size: { $foo: 1 } }), ChanceryError);
    assert.equal(error.code, 'invalidFilter');
    assert.equal((await refused(items.where({ size: { $gt: 1 }, name: { $bar: 1 } }), ChanceryError)).code, 'invalidFilter');
  });

  test('order, offset and limit', async () => {
    assert.equal(await names(items.where({}, { sort: { size: 'desc' }, limit: 3 })), 'gnu fox eel');
    assert.equal(await names(items.where({}, { sort: { size: 'asc' }, offset: 2, limit: 2 })), 'cat dog');
    assert.equal(await names(items.where({}, { sort: { size: 'desc' }, offset: 6 })), 'ant hen', 'no value comes last');
  });

  test('findOne, first and last', async () => {
    assert.equal((await items.findOne({ group: 'odd' }))?.name, 'bee');
    assert.equal(await items.findOne({ group: 'none' }), undefined);
    assert.equal(await names(items.first(2)), 'ant bee');
    assert.equal(await names(items.last(2)), 'gnu hen');
    assert.equal(await names(items.last(0)), '');
    assert.throws(() => items.first(-1), RangeError);
  });

  test('pages join without a gap, also when the last record of one is deleted', async () => {
    const store = await fresh();
    const bucket = await store.defineBucket<Item>('items', {
      key: 'id', schema: { id: { type: 'number', generated: 'autoincrement' }, name: { type: 'string' } },
    });
    await bucket.insertMany([...'abcdefg'].map((name) => ({ name })));
    const one = await bucket.paginate({ limit: 3 });
    assert.deepEqual([one.records.map((item) => item.name).join(''), one.hasMore], ['abc', true]);
    await bucket.delete(one.records[2]?.id ?? 0);
    const two = await bucket.paginate({ limit: 3, after: one.nextCursor ?? '' });
    assert.deepEqual([two.records.map((item) => item.name).join(''), two.hasMore], ['def', true]);
    const three = await bucket.paginate({ limit: 3, after: two.nextCursor ?? '' });
    assert.deepEqual([three.records.map((item) => item.name).join(''), three.hasMore], ['g', false]);
  });

  test('figures', async () => {
    assert.equal(await items.sum('size'), 210);
    assert.equal(await items.avg('size', { group: 'odd' }), 30);
    assert.deepEqual([await items.min('size'), await items.max('size')], [0, 60]);
    const none = { group: 'none' };
    assert.deepEqual([await items.sum('size', none), await items.avg('size', none)], [0, 0]);
    assert.deepEqual([await items.min('size', none), await items.max('size', none)], [undefined, undefined]);
  });

  test('figures of groups', async () => {
    const groups = await items.groupBy('group', { function: 'sum', field: 'size' }, { group: { $exists: true } });
    const by = Object.fromEntries(groups.map((group) => [group.key['group'], group.value]));
    assert.deepEqual(by, { even: 60, odd: 90 });
  });
});

test('all answers more than one page of the API holds', async () => {
  const { tasks } = await withTasks();
  await tasks.insertMany(Array.from({ length: 2_345 }, (_, n) => ({ title: `Task ${n}` })));
  const all = await tasks.all();
  assert.equal(all.length, 2_345);
  assert.equal(new Set(all.map((task) => task.id)).size, 2_345);
  assert.equal((await tasks.where({}, { offset: 1_000, limit: 1_200 })).length, 1_200);
  assert.equal(await tasks.count(), 2_345);
});

test('many records are stored together or not at all', async () => {
  const { tasks } = await withTasks();
  const error = await refused(tasks.insertMany([{ title: 'good' }, { title: '' }, { priority: 9 }]), ValidationError);
  assert.deepEqual(
    error.issues.map((issue) => [issue.index, issue.field, issue.code]),
    [[1, 'title', 'minLength'], [2, 'title', 'required'], [2, 'priority', 'max']],
  );
  assert.equal(await tasks.count(), 0);
  const made = await tasks.insertMany([{ title: 'one' }, { title: 'two' }]);
  assert.deepEqual(made.map((task) => [task.title, task.status, task._version]), [['one', 'todo', 1], ['two', 'todo', 1]]);
  assert.deepEqual(await tasks.insertMany([]), []);
});

test('updateMany and deleteMany say how many', async () => {
  const { tasks } = await withTasks();
  await tasks.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'c', status: 'done' }]);
  assert.equal(await tasks.updateMany({ status: 'todo' }, { priority: 5 }), 2);
  assert.deepEqual((await tasks.all()).map((task) => task.priority), [5, 5, 3]);
  await refused(tasks.updateMany({}, { priority: 9 }), ValidationError);
  assert.deepEqual((await tasks.all()).map((task) => task.priority), [5, 5, 3], 'nothing of it was done');
  assert.equal(await tasks.deleteMany({ priority: 5 }), 2);
  assert.deepEqual((await tasks.all()).map((task) => task.title), ['c']);
});

test('upsert inserts once and updates afterwards', async () => {
  const store = await fresh();
  const settings = await store.defineBucket('settings', {
    key: 'name', schema: { name: { type: 'string' }, value: { type: 'number' }, note: { type: 'string', default: '-' } },
  });
  const made = await settings.upsert({ name: 'size', value: 1 });
  assert.deepEqual([made['value'], made['note'], made._version], [1, '-', 1]);
  const changed = await settings.upsert({ ...made, value: 2 });
  assert.deepEqual([changed['value'], changed['note'], changed._version], [2, '-', 2]);
  const cleared = await settings.upsert({ name: 'size', value: null });
  assert.deepEqual(['value' in cleared, cleared['note']], [false, '-']);
  assert.equal(await settings.count(), 1);
});

test('a unique value and a key belong to one record', async () => {
  const store = await fresh();
  const users = await store.defineBucket('users', {
    key: 'id', schema: { id: { type: 'string' }, email: { type: 'string', unique: true } },
  });
  await users.insert({ id: 'a', email: 'x@example.com' });
  await users.insert({ id: 'b' });
  await users.insert({ id: 'c' });
  const insert = await refused(users.insert({ id: 'd', email: 'x@example.com' }), UniqueConstraintError);
  assert.deepEqual([insert.bucket, insert.field, insert.value], ['users', 'email', 'x@example.com']);
  assert.equal(insert.message, 'Unique constraint violation in bucket "users": field "email" already has value "x@example.com"');
  const update = await refused(users.update('b', { email: 'x@example.com' }), UniqueConstraintError);
  assert.deepEqual([update.field, update.value], ['email', 'x@example.com']);
  const many = await refused(users.insertMany([{ id: 'e' }, { id: 'f', email: 'x@example.com' }]), UniqueConstraintError);
  assert.deepEqual([many.field, many.value], ['email', 'x@example.com']);
  const key = await refused(users.insert({ id: 'a' }), UniqueConstraintError);
  assert.deepEqual([key.field, key.value], ['id', 'a']);
  assert.equal((await users.get('a'))?.['email'], 'x@example.com', 'a second record of a key does not overwrite the first');
  await users.update('a', { email: 'y@example.com' });
  await users.update('b', { email: 'x@example.com' });
});
