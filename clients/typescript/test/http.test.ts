// The API without buckets: typed requests, refusals, reading one's own writes. And the one algorithm of the protocol.
import assert from 'node:assert/strict';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Chancery, ChanceryError, NotFoundError, type StoredRecord, applied } from '@chancery/client';
import { between } from './between.js';
import { TASKS, type Task, key, open, refused, until, url, withTasks } from './place.js';

test('every path of the API can be asked', async () => {
  const chancery = new Chancery({ url, key });
  const types = await chancery.get('/api/field-types', {});
  assert.ok(types.fieldTypes.length > 10);
  const table = await chancery.post('/api/tables', { body: { name: `T ${crypto.randomUUID()}`, columns: [{ name: 'Name', fieldType: 'text' }] } });
  const answer = await chancery.request<{ id: string }>('post', '/api/tables/{table}/records', {
    params: { table: table.id }, body: { data: { name: 'x' } },
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('etag'), '"1"');
  assert.ok(answer.revision > 0 && chancery.revision === answer.revision);
  const found = await chancery.get('/api/tables/{table}/records/{record}', { params: { table: table.id, record: answer.body.id } });
  assert.equal((found.data as Record<string, unknown>)['name'], 'x');
  await chancery.delete('/api/tables/{table}', { params: { table: table.id } });
});

test('a refusal carries what the server says', async () => {
  const chancery = new Chancery({ url, key });
  const error = await refused(chancery.get('/api/tables/{table}', { params: { table: 'nothing-like-it' } }), ChanceryError);
  assert.deepEqual([error.code, error.status], ['tableNotFound', 404]);
  assert.match(error.requestId ?? '', /./);
  const unknown = await refused(chancery.request('get', '/api/tables', { query: { limti: 3 } }), ChanceryError);
  assert.deepEqual([unknown.code, unknown.hint], ['unknownParameter', 'Did you mean "limit"?']);
});

test('a version that is not the current one is told with the current record', async () => {
  const { store, tasks } = await withTasks();
  const task = await tasks.insert({ title: 'a' });
  await tasks.update(task.id, { title: 'b' });
  const tables = await store.http.request<{ tables: { id: string }[] }>('get', '/api/tables', { query: { workspace: store.http.workspace } });
  const late = store.http.request('patch', '/api/tables/{table}/records/{record}', {
    params: { table: tables.body.tables[0]?.id ?? '', record: task.id }, headers: { 'if-match': '"1"' }, body: { data: { title: 'c' } },
  });
  const error = await refused(late, ChanceryError);
  assert.equal(error.code, 'versionConflict');
  assert.equal((error.current as { version: number }).version, 2);
});

test('a request can be given up', async () => {
  const chancery = new Chancery({ url, key });
  const given = AbortSignal.abort(new Error('not needed'));
  assert.equal((await refused(chancery.get('/api/tables', { signal: given }), Error)).message, 'not needed');
});

test('keys of any characters stand in paths', async () => {
  const { store } = await withTasks();
  const odd = await store.defineBucket('odd', { key: 'id', schema: { id: { type: 'string' } } });
  for (const id of ['a/b', 'ä ö', '100%', '?x=1#y']) {
    await odd.insert({ id });
    assert.equal((await odd.get(id))?.['id'], id, id);
  }
  await refused(odd.update('a//b', {}), NotFoundError);
});

test('an answer that ends in its middle is an answer that did not come', async () => {
  let broken = 0;
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '20' });
    if ((broken -= 1) < 0) return void response.end('{"tables": []}      ');
    response.write('{"tab', () => void setTimeout(() => response.destroy(), 20));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const chancery = new Chancery({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key });
    broken = 2;
    assert.deepEqual(await chancery.get('/api/tables', {}), { tables: [] });
    assert.deepEqual([asked, broken], [3, -1], 'a read is asked again');
    broken = 2;
    asked = 0;
    const error = await refused(chancery.post('/api/workspaces', { body: { name: 'x' } }), ChanceryError);
    assert.deepEqual([error.code, error.status, asked], ['unreachable', 0, 1], 'a write is not: it may have happened');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('reads see what was done and told over the WebSocket', async () => {
  const name = `t-${crypto.randomUUID()}`;
  const other = await open(name);
  const elsewhere = await other.defineBucket<Task>('tasks', TASKS);
  const least: number[] = [];
  const store = await open(name, {
    fetch: (input, init) => {
      least.push(Number(new Headers(init?.headers).get('x-at-least-revision') ?? 0));
      return fetch(input, init);
    },
  });
  const tasks = store.bucket<Task>('tasks');
  /** What a read demands is newer than everything that was there before. */
  const sees = async (what: string, change: () => Promise<unknown>): Promise<void> => {
    const { revision } = await other.http.request('get', '/api/stats', { query: { workspace: other.http.workspace } });
    await change();
    await until(() => store.http.revision > revision, `${what} is told`);
    await tasks.count();
    assert.ok((least.at(-1) ?? 0) > revision, what);
  };
  await sees('a transaction', () => store.transaction((tx) => tx.bucket<Task>('tasks').insert({ title: 'a' })));
  await sees('an operation on many', () => tasks.updateMany({}, { title: 'b' }));
  const stop = await store.on('*', () => undefined);
  await sees('an event', () => elsewhere.insert({ title: 'c' }));
  stop();
  await tasks.live({}, () => undefined);
  await sees('a push', () => elsewhere.insert({ title: 'd' }));
});

test('a key that is a step in a path asks for nothing else', async () => {
  const { store, tasks } = await withTasks();
  const made = await tasks.insert({ title: 'a' });
  for (const step of ['.', '..']) {
    await refused(tasks.get(step), TypeError);
    await refused(tasks.delete(step), TypeError);
    await refused(store.http.delete('/api/tables/{table}/records/{record}', { params: { table: step, record: made.id } }), TypeError);
  }
  assert.equal(await tasks.count(), 1);
});

test('a server may stand under a path', async () => {
  const seen: string[] = [];
  const gate = createServer((request, response) => {
    seen.push(request.url ?? '');
    const pass = { method: request.method, headers: request.headers };
    const onward = send(`${url}${(request.url ?? '').replace('/records', '')}`, pass, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  try {
    const under = `http://127.0.0.1:${(gate.address() as AddressInfo).port}/records/`;
    const sockets = await between();
    const urls: string[] = [];
    const WebSocket = class extends sockets.WebSocket {
      constructor(at: string) {
        urls.push(at);
        super(url.replace(/^http/, 'ws') + new URL(at).pathname.replace('/records', '') + new URL(at).search);
      }
    };
    const { store } = await withTasks({ url: under, WebSocket });
    assert.equal(await store.transaction((tx) => tx.bucket('tasks').count()), 0);
    assert.ok(seen.length > 0 && seen.every((path) => path.startsWith('/records/api/')));
    assert.deepEqual(urls, [`${under.replace(/^http/, 'ws')}api/live?workspace=${store.http.workspace}`]);
  } finally {
    gate.closeAllConnections();
    gate.close();
  }
});

test('a socket that cannot be made is an error', async () => {
  const WebSocket = class {
    constructor() {
      throw new SyntaxError('no such address');
    }
  };
  const { store } = await withTasks({ WebSocket: WebSocket as never });
  const error = await refused(store.on('*', () => undefined), ChanceryError);
  assert.deepEqual([error.code, (error.cause as Error).message], ['unreachable', 'no such address']);
});

const list = (keys: string): StoredRecord[] => [...keys].map((id) => record(id));
const record = (id: string, value = 0): StoredRecord => ({ id, value, _version: 1, _createdAt: 0, _updatedAt: 0 });

test('changes of a list are steps', () => {
  const cases: [string, Parameters<typeof applied>[2], string][] = [
    ['abc', [], 'abc'],
    ['abc', [{ op: 'remove', key: 'b' }], 'ac'],
    ['abc', [{ op: 'remove', key: 'x' }], 'abc'],
    ['abc', [{ op: 'put', key: 'd', before: null, record: record('d') }], 'abcd'],
    ['abc', [{ op: 'put', key: 'd', before: 'a', record: record('d') }], 'dabc'],
    ['abc', [{ op: 'put', key: 'c', before: 'a', record: record('c') }], 'cab'],
    ['abc', [{ op: 'put', key: 'a', before: null, record: record('a') }, { op: 'put', key: 'd', before: 'a', record: record('d') }], 'bcda'],
    ['', [{ op: 'put', key: 'a', before: null, record: record('a') }], 'a'],
  ];
  for (const [before, changes, after] of cases) {
    const start = list(before);
    assert.equal(applied(start, 'id', changes).map((one) => one['id']).join(''), after);
    assert.deepEqual(start, list(before), 'the list that was handed out stays');
  }
  assert.throws(() => applied(list('a'), 'id', [{ op: 'put', key: 'b', before: 'x', record: record('b') }]), RangeError);
});
