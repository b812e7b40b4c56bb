// The original store, doing what the memory section of the benchmark does: one line of JSON for each figure, on stdout.
// It asserts nothing. Arguments: how many records, and how long each thing is repeated, in ms.

import { Store } from '@hamicek/noex-store';

const [records, span] = process.argv.slice(2).map(Number);
const statuses = ['open', 'waiting', 'closed'];
const fields = {
  id: { type: 'string', required: true },
  name: { type: 'string', required: true, maxLength: 100 },
  email: { type: 'string', required: true, unique: true },
  status: { type: 'string', enum: statuses },
  age: { type: 'number', min: 0, max: 150 },
};
const definition = { key: 'id', schema: fields, indexes: ['status', 'age'] };

let seed = 1;
const drawn = (below) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return seed % below;
};
const key = (number) => `person-${String(number).padStart(8, '0')}`;
const person = (number) => ({
  id: key(number),
  name: `Person ${number}`,
  email: `person${number}@example.com`,
  status: statuses[number % 3],
  age: number % 64,
});
const tell = (name, count, since) => {
  const perSecond = count / ((performance.now() - since) / 1000);
  console.log(JSON.stringify({ name, perSecond }));
};

async function repeat(name, turn) {
  const start = performance.now();
  let done = 0;
  do {
    await turn(done);
    done += 1;
  } while (performance.now() - start < span);
  tell(name, done, start);
}

async function filled(name, more = {}) {
  const store = await Store.start({ name, ttlCheckIntervalMs: 0 });
  await store.defineBucket('people', { ...definition, ...more });
  const people = store.bucket('people');
  const all = Array.from({ length: records }, (_, number) => person(number));
  const start = performance.now();
  for (const one of all) await people.insert(one);
  return { store, people, start };
}

const { store, people, start } = await filled('plain');
tell('insert', records, start);
await repeat('get', () => people.get(key(drawn(records))));
await repeat('update', (turn) => people.update(key(drawn(records)), { name: `Person ${turn}` }));
await repeat('findOne', (turn) => people.findOne({ status: statuses[turn % 3] }));
await repeat('paginate', () => people.paginate({ after: key(records / 2), limit: 50 }));
await repeat('transaction', (turn) =>
  store.transaction(async (tx) => {
    const handle = await tx.bucket('people');
    const one = await handle.get(key(drawn(records)));
    await handle.update(one.id, { age: turn % 90 });
  }),
);

for (let number = 0; number < 1000; number += 1) {
  store.defineQuery(`get${number}`, (ctx) => ctx.bucket('people').get(key(number)));
}
const gets = [];
for (let number = 0; number < 1000; number += 1) gets.push(await store.subscribe(`get${number}`, () => {}));
await repeat('liveGets', async (turn) => {
  await people.update(key(drawn(records)), { name: `Live ${turn}` });
  await store.settle();
});
for (const stop of gets) stop();

const counts = [];
for (let number = 0; number < 100; number += 1) {
  store.defineQuery(`count${number}`, (ctx) => ctx.bucket('people').count({ age: number }));
  counts.push(await store.subscribe(`count${number}`, () => {}));
}
await repeat('liveCounts', async (turn) => {
  await people.update(key(drawn(records)), { age: turn % 90 });
  await store.settle();
});
for (const stop of counts) stop();
await store.stop();

const full = await filled('full', { maxSize: records });
let next = records;
await repeat('maxSize', () => {
  next += 1;
  return full.people.insert(person(next));
});
await full.store.stop();
