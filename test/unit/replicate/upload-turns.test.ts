import assert from 'node:assert/strict';
import test from 'node:test';
import { UploadTurns } from '../../../src/replicate/connection/upload-turns.ts';

/** Who sends how many slices: takes a turn, and passes it between two of them. */
interface Sender {
  job: string;
  place: number;
  slices: number;
}

/** @returns the places in the order of their slices, all senders being there before the first slice */
async function sent(senders: readonly Sender[]): Promise<string[]> {
  const turns = new UploadTurns();
  const order: string[] = [];
  const send = async ({ job, place, slices }: Sender): Promise<void> => {
    using turn = await turns.take({ job, place });
    for (let slice = 0; slice < slices; slice += 1) {
      if (slice > 0) await turn.pass();
      order.push(`${job}${place}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(senders.map(send));
  return order;
}

test('of one job one mailbox comes after the other, in the order of asking', async () => {
  const order = await sent([
    { job: 'a', place: 2, slices: 2 },
    { job: 'a', place: 3, slices: 1 },
    { job: 'a', place: 1, slices: 3 },
  ]);
  // The first had begun before the others asked.
  assert.deepEqual(order, ['a2', 'a1', 'a1', 'a1', 'a2', 'a3']);
});

test('jobs take turns, so that a large one holds up nobody', async () => {
  const order = await sent([
    { job: 'a', place: 1, slices: 5 },
    { job: 'b', place: 2, slices: 1 },
    { job: 'c', place: 3, slices: 2 },
    { job: 'b', place: 4, slices: 1 },
  ]);
  assert.deepEqual(order, ['a1', 'b2', 'c3', 'a1', 'b4', 'c3', 'a1', 'a1', 'a1']);
});

test('a turn that ends in an error is another one’s', async () => {
  const turns = new UploadTurns();
  await assert.rejects(async () => {
    using _turn = await turns.take({ job: 'a', place: 1 });
    throw new Error('the message is gone');
  });
  using next = await turns.take({ job: 'b', place: 2 });
  await next.pass();
  next[Symbol.dispose]();
  next[Symbol.dispose]();
  using _last = await turns.take({ job: 'c', place: 3 });
});
