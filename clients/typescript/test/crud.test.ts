// The operations of a bucket, example by example: insert, get, update, delete, clear, all, metadata, a whole life, a catalog.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NotFoundError, type StoreEvent, ValidationError } from '@chancery/client';
import { fresh, issues, refused, withTasks } from './place.js';

test('insert answers the complete record', async () => {
  const { tasks } = await withTasks();
  const before = Date.now();
  const task = await tasks.insert({ title: 'Write documentation' });
  assert.match(task.id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  const { title, status, priority, tags, _version } = task;
  assert.deepEqual(
    { title, status, priority, tags, _version },
    { title: 'Write documentation', status: 'todo', priority: 3, tags: [], _version: 1 },
  );
  assert.equal(task._createdAt, task._updatedAt);
  assert.ok(task._createdAt >= before - 1_000 && task._createdAt <= Date.now() + 1_000, 'ms since 1970');
  assert.equal(task._expiresAt, undefined);
  assert.deepEqual(await tasks.get(task.id), task, 'exactly as stored');
});

test('generated values and defaults are there at once', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Ship feature' });
  assert.equal(typeof task.id, 'string');
  assert.deepEqual([task.status, task.priority, task._version], ['todo', 3, 1]);
});

test('given values come before defaults, and users cannot set metadata', async () => {
  const { tasks } = await withTasks();
  const given = { title: 'Own', status: 'done', tags: ['a'], _version: 7, _createdAt: 0, _updatedAt: 0 };
  const task = await tasks.insert(given);
  assert.deepEqual([task.status, task.tags, task._version], ['done', ['a'], 1]);
  assert.ok(task._createdAt > 0);
});

test('insert refuses what breaks the schema, with every issue, and stores nothing', async () => {
  const { tasks } = await withTasks();
  assert.deepEqual(await issues(tasks.insert({})), [['title', 'required', 'Field is required']]);
  assert.deepEqual(await issues(tasks.insert({ title: 123 as never })), [
    ['title', 'type', 'Expected type "string", got number'],
  ]);
  assert.deepEqual(await issues(tasks.insert({ title: 'x', priority: 10 })), [
    ['priority', 'max', 'Maximum value is 5'],
  ]);
  assert.deepEqual(await issues(tasks.insert({ title: '', status: 'invalid', priority: 0 })), [
    ['title', 'minLength', 'Minimum length is 1'],
    ['status', 'enum', 'Value must be one of: todo, in_progress, done'],
    ['priority', 'min', 'Minimum value is 1'],
  ]);
  assert.equal(await tasks.count(), 0);
});

test('a refusal says what it is and where', async () => {
  const { tasks } = await withTasks();
  const error = await refused(tasks.insert({}), ValidationError);
  assert.equal(error.name, 'ValidationError');
  assert.equal(error.bucket, 'tasks');
  assert.equal(error.message, 'Validation failed for bucket "tasks": title: Field is required');
  assert.deepEqual([error.code, error.status], ['validationFailed', 422]);
});

test('get answers the record or undefined', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Review PR' });
  assert.equal((await tasks.get(task.id))?.title, 'Review PR');
  assert.equal(await tasks.get('does-not-exist'), undefined);
  assert.equal(await tasks.get(''), undefined);
});

test('update changes what is given and bumps the version', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Deploy app' });
  assert.deepEqual([task._version, task.status], [1, 'todo']);
  await sleep(5);
  const updated = await tasks.update(task.id, { status: 'in_progress', priority: 5 });
  assert.deepEqual([updated.status, updated.priority, updated.title, updated._version], ['in_progress', 5, 'Deploy app', 2]);
  assert.ok(updated._updatedAt > task._updatedAt);
});

test('update keeps what is not mentioned', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Fix bug', priority: 4 });
  const updated = await tasks.update(task.id, { status: 'done' });
  assert.deepEqual([updated.title, updated.priority, updated.status, updated.tags], ['Fix bug', 4, 'done', []]);
});

test('update leaves protected fields out', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Test' });
  const changes = { id: 'custom-id', _version: 999, _createdAt: 0, title: 'Updated' };
  const updated = await tasks.update(task.id, changes);
  assert.deepEqual([updated.id, updated._version, updated._createdAt, updated.title], [task.id, 2, task._createdAt, 'Updated']);
  assert.equal(await tasks.get('custom-id'), undefined);
});

test('a refused update changes nothing', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Valid task', priority: 3 });
  assert.deepEqual(await issues(tasks.update(task.id, { status: 'cancelled' })), [
    ['status', 'enum', 'Value must be one of: todo, in_progress, done'],
  ]);
  assert.deepEqual(await tasks.get(task.id), task);
});

test('updating what is not there is an error', async () => {
  const { tasks } = await withTasks();
  const error = await refused(tasks.update('non-existent-id', { title: 'Nope' }), NotFoundError);
  assert.equal(error.message, 'Record with key "non-existent-id" not found in bucket "tasks"');
  assert.deepEqual([error.bucket, error.key], ['tasks', 'non-existent-id']);
});

test('delete is silent about what is not there', async () => {
  const { tasks } = await withTasks();
  const task = await tasks.insert({ title: 'Temporary task' });
  assert.equal((await tasks.get(task.id))?.title, 'Temporary task');
  assert.equal(await tasks.delete(task.id), true);
  assert.equal(await tasks.get(task.id), undefined);
  assert.equal(await tasks.delete('already-deleted'), false);
});

test('clear removes the records and keeps the definition', async () => {
  const { tasks } = await withTasks();
  for (const title of ['Task 1', 'Task 2', 'Task 3']) await tasks.insert({ title });
  assert.equal(await tasks.count(), 3);
  assert.equal(await tasks.clear(), 3);
  assert.equal(await tasks.count(), 0);
  const again = await tasks.insert({ title: 'Task 4' });
  assert.equal(again.status, 'todo');
  assert.deepEqual(await issues(tasks.insert({})), [['title', 'required', 'Field is required']]);
});

test('all answers every record in the order of insertion', async () => {
  const { tasks } = await withTasks();
  for (const title of ['Task A', 'Task B', 'Task C']) await tasks.insert({ title });
  const all = await tasks.all();
  assert.deepEqual(all.map((task) => task.title), ['Task A', 'Task B', 'Task C']);
  assert.ok(all.every((task) => task._version === 1 && task._createdAt > 0));
});

test('the version counts updates and the times follow', async () => {
  const { tasks } = await withTasks();
  const v1 = await tasks.insert({ title: 'Versioned task' });
  const v2 = await tasks.update(v1.id, { status: 'in_progress' });
  const v3 = await tasks.update(v1.id, { status: 'done' });
  assert.deepEqual([v1._version, v2._version, v3._version], [1, 2, 3]);
  assert.equal(v3._createdAt, v1._createdAt);
  assert.ok(v3._updatedAt >= v1._updatedAt);
});

test('a time to live sets the expiry', async () => {
  const store = await fresh();
  const sessions = await store.defineBucket<{ token: string; userId: string }>('sessions', {
    key: 'token',
    schema: { token: { type: 'string', generated: 'uuid' }, userId: { type: 'string', required: true } },
    ttl: '1h',
  });
  const session = await sessions.insert({ userId: 'alice' });
  assert.equal((session._expiresAt ?? 0) - session._createdAt, 3_600_000);
});

test('the life of a record, with its events', async () => {
  const store = await fresh();
  const tasks = await store.defineBucket('tasks', {
    key: 'id',
    schema: {
      id: { type: 'string', generated: 'uuid' },
      title: { type: 'string', required: true },
      status: { type: 'string', enum: ['todo', 'in_progress', 'done'], default: 'todo' },
    },
  });
  const events: StoreEvent[] = [];
  await store.on('bucket.tasks.*', (event) => void events.push(event));
  const task = await tasks.insert({ title: 'Ship v1.0' });
  assert.deepEqual([task._version, task.status], [1, 'todo']);
  const v2 = await tasks.update(task['id'], { status: 'in_progress' });
  assert.deepEqual([v2._version, v2.status], [2, 'in_progress']);
  const v3 = await tasks.update(task['id'], { status: 'done' });
  assert.deepEqual([v3._version, v3.status], [3, 'done']);
  const current = await tasks.get(task['id']);
  assert.deepEqual([current?._version, current?.['status']], [3, 'done']);
  await tasks.delete(task['id']);
  assert.equal(await tasks.get(task['id']), undefined);
  await store.settle();
  assert.deepEqual(events.map((event) => event.type), ['inserted', 'updated', 'updated', 'deleted']);
  assert.deepEqual([events[1]?.oldRecord?.['status'], events[1]?.newRecord?.['status']], ['todo', 'in_progress']);
  assert.equal(events[3]?.record?.['title'], 'Ship v1.0', 'the record that was deleted');
});

test('a catalog of products', async () => {
  const store = await fresh();
  const products = await store.defineBucket('products', {
    key: 'sku',
    schema: {
      sku: { type: 'string', required: true, pattern: '^[A-Z]{2,4}-\\d{3,6}$' },
      name: { type: 'string', required: true, minLength: 1, maxLength: 100 },
      description: { type: 'string', maxLength: 1000 },
      price: { type: 'number', required: true, min: 0.01 },
      currency: { type: 'string', enum: ['USD', 'EUR', 'GBP'], default: 'USD' },
      inStock: { type: 'boolean', default: true },
      tags: { type: 'array', default: [] },
    },
    indexes: ['currency', 'inStock'],
  });
  await products.insert({ sku: 'WDG-001', name: 'Standard Widget', price: 9.99, tags: ['widget', 'standard'] });
  await products.insert({
    sku: 'GDG-042', name: 'Premium Gadget', description: 'With advanced features', price: 49.99, currency: 'EUR', tags: ['gadget'],
  });
  const found = await products.get('WDG-001');
  assert.deepEqual([found?.['name'], found?.['currency'], found?.['price']], ['Standard Widget', 'USD', 9.99]);
  const updated = await products.update('WDG-001', { price: 12.99 });
  assert.deepEqual([updated['price'], updated._version], [12.99, 2]);
  assert.equal((await products.update('GDG-042', { inStock: false }))['inStock'], false);
  assert.equal((await products.all()).length, 2);
  assert.deepEqual(await issues(products.insert({ sku: 'bad', name: 'Oops', price: -5 })), [
    ['sku', 'pattern', 'Value must match pattern "^[A-Z]{2,4}-\\d{3,6}$"'],
    ['price', 'min', 'Minimum value is 0.01'],
  ]);
  await products.delete('WDG-001');
  assert.equal(await products.get('WDG-001'), undefined);
  await products.clear();
  assert.deepEqual(await products.all(), []);
});

test('the exercise: employees with generated numbers', async () => {
  const store = await fresh();
  const employees = await store.defineBucket('employees', {
    key: 'id',
    schema: {
      id: { type: 'number', generated: 'autoincrement' },
      name: { type: 'string', required: true, minLength: 1 },
      department: { type: 'string', enum: ['engineering', 'design', 'marketing', 'sales'] },
      salary: { type: 'number', required: true, min: 30000, max: 500000 },
      active: { type: 'boolean', default: true },
    },
    indexes: ['department'],
  });
  const employee = await employees.insert({ name: 'Alice', department: 'engineering', salary: 120000 });
  assert.deepEqual([employee['id'], employee['active'], employee._version], [1, true, 1]);
  const updated = await employees.update(employee['id'], { salary: 135000, id: 999 });
  assert.deepEqual([updated['id'], updated['salary'], updated._version], [1, 135000, 2]);
  assert.deepEqual(await issues(employees.insert({ name: 'Bob', salary: 25000 })), [
    ['salary', 'min', 'Minimum value is 30000'],
  ]);
  assert.deepEqual(await issues(employees.update(employee['id'], { department: 'hr' })), [
    ['department', 'enum', 'Value must be one of: engineering, design, marketing, sales'],
  ]);
  await employees.delete(employee['id']);
  assert.equal(await employees.get(employee['id']), undefined);
});
