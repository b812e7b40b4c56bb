// What is undefined in a filter: JSON would leave it out, and the filter would pass more than was meant, or everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BucketHandle, type Filter, type Query, type Store, type StoredRecord } from '@chancery/client';
import { fresh, refused } from './place.js';

interface Owned {
  id: string;
  owner?: string;
}

type Records = StoredRecord<Owned>[];

/** Every way a filter takes to the server, as the keys of the records that it passed. */
const WAYS: [string, (store: Store, things: BucketHandle<Owned>, filter: Filter) => Promise<string[]>][] = [
  ['where', async (_, things, filter) => keys(await things.where(filter))],
  ['findOne', async (_, things, filter) => keys([await things.findOne(filter)])],
  ['count', async (_, things, filter) => numbered(await things.count(filter))],
  ['updateMany', async (_, things, filter) => numbered(await things.updateMany(filter, { owner: 'new' }))],
  ['deleteMany', async (_, things, filter) => numbered(await things.deleteMany(filter))],
  ['where inside', (store, _, filter) => store.transaction(async (tx) => keys(await tx.bucket<Owned>('things').where(filter)))],
  ['findOne inside', (store, _, filter) => store.transaction(async (tx) => keys([await tx.bucket<Owned>('things').findOne(filter)]))],
  ['count inside', (store, _, filter) => store.transaction(async (tx) => numbered(await tx.bucket('things').count(filter)))],
  ['updateMany inside', (store, _, filter) => store.transaction(async (tx) => numbered(await tx.bucket('things').updateMany(filter, { owner: 'new' })))],
  ['deleteMany inside', (store, _, filter) => store.transaction(async (tx) => numbered(await tx.bucket('things').deleteMany(filter)))],
  ['live', async (_, things, filter) => keys((await things.live<Records>({ filter }, () => undefined)).current)],
  [
    'a named query',
    async (store, _, filter) => {
      await store.defineQuery('things', { bucket: 'things', filter });
      return keys(await store.runQuery<Records>('things'));
    },
  ],
];

const keys = (records: (Owned | undefined)[]): string[] => records.flatMap((record) => record?.id ?? []);
/** As many as there would be if it was only the record without an owner. */
const numbered = (count: number): string[] => Array.from({ length: count }, () => 'nobody');

const nothing = undefined;
const MEANT: [string, Filter][] = [
  ['a field', { owner: nothing }],
  ['a field within', { $or: [{ $and: [{ owner: nothing }] }] }],
];
const REFUSED: [string, Filter][] = [
  ['an operand', { owner: { $eq: nothing } }],
  ['an operand beside another', { owner: { $gte: 'a', $lte: nothing } }],
  ['an item', { owner: { $in: [nothing] } }],
  ['an end', { owner: { $between: ['a', nothing] } }],
  ['an operand within', { $or: [{ owner: { $neq: nothing } }] }],
  ['a filter within', { $and: [nothing as never] }],
  ['the filters within', { $or: nothing as never }],
  ['a function', { owner: () => 'ann' }],
];

async function things(): Promise<[Store, BucketHandle<Owned>]> {
  const store = await fresh();
  const bucket = await store.defineBucket<Owned>('things', {
    key: 'id', schema: { id: { type: 'string' }, owner: { type: 'string' } },
  });
  await bucket.insertMany([{ id: 'nobody' }, { id: 'of-ann', owner: 'ann' }, { id: 'of-bob', owner: 'bob' }]);
  return [store, bucket];
}

for (const [way, ask] of WAYS) {
  test(`undefined in a filter never means everything: ${way}`, async () => {
    const [store, bucket] = await things();
    for (const [what, filter] of REFUSED) {
      await refused(ask(store, bucket, filter), TypeError).catch((error: unknown) => assert.fail(`${what}: ${String(error)}`));
    }
    assert.deepEqual((await bucket.all()).map((one) => one.owner), [undefined, 'ann', 'bob'], 'nothing was written');
    for (const [what, filter] of MEANT) {
      if (way.includes('Many')) await bucket.upsert({ id: 'nobody', owner: null as never });
      assert.deepEqual(await ask(store, bucket, filter), ['nobody'], what);
    }
    assert.equal((await bucket.get('of-ann'))?.owner, 'ann');
  });
}

test('undefined in place of a filter or a key is an error where everything would be written or told', async () => {
  const [store, bucket] = await things();
  await refused(bucket.deleteMany(nothing as never), TypeError);
  await refused(bucket.updateMany(nothing as never, { owner: 'x' }), TypeError);
  await refused(store.transaction((tx) => tx.bucket('things').deleteMany(nothing as never)), TypeError);
  await refused(bucket.live({ key: nothing } as unknown as Query, () => undefined), TypeError);
  assert.equal(await bucket.count(), 3);
});
