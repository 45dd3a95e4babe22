import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { GUIDS_PER_COMMAND, Reservation } from '../../../src/replicate/connection/reservation.ts';

const message = (guid: string, size: number) => ({ guid, size }) as never;

/** @returns a context, what its replica is asked, and which GUIDs are noted as staged */
function replica(missing: readonly string[] = [], fails = false) {
  const asked: unknown[] = [];
  const staged: unknown[] = [];
  let holders = 0;
  const context = {
    stage: {
      hold: async () => {
        holders++;
        return { [Symbol.dispose]: () => holders-- };
      },
      add: (partition: string, guids: readonly string[]) => {
        assert.equal(holders, 1, 'nothing is noted without relying on the stage');
        staged.push([partition, ...guids]);
      },
    },
    session: {
      applyReserve: async (partition: string, folders: readonly string[], guids: readonly string[]) => {
        asked.push([partition, folders, guids]);
        if (fails && partition === 'second') throw new Error('refused');
        return new Set(missing);
      },
    },
  } as unknown as EngineContext;
  return { context, asked, staged, holders: () => holders };
}

test('it is worth asking from 64 KiB on, each message counted once', () => {
  const reservation = new Reservation();
  assert.equal(reservation.worthAsking, false);
  reservation.add('default', message('a', 64 * 1024 - 1));
  reservation.add('default', message('a', 64 * 1024));
  assert.equal(reservation.worthAsking, false);
  reservation.add('other', message('a', 1));
  assert.equal(reservation.worthAsking, true);
});

test('as many as one command takes are enough', () => {
  const reservation = new Reservation();
  for (let i = 1; i < GUIDS_PER_COMMAND; i++)
    assert.equal(reservation.add('default', message(`${i}`, 1)), true);
  assert.equal(reservation.add('default', message('1', 1)), true, 'known already');
  assert.equal(reservation.add('default', message('last', 1)), false);
});

test('each partition is asked for by itself, and what is not missing is staged', async () => {
  const reservation = new Reservation();
  for (const guid of ['a', 'b', 'c']) reservation.add('first', message(guid, 1));
  reservation.add('second', message('a', 1));
  const { context, asked, staged, holders } = replica(['b']);
  await reservation.ask(context, ['user.anna']);
  assert.deepEqual(asked, [
    ['first', ['user.anna'], ['a', 'b', 'c']],
    ['second', ['user.anna'], ['a']],
  ]);
  assert.deepEqual(staged, [
    ['first', 'a', 'c'],
    ['second', 'a'],
  ]);
  assert.equal(holders(), 0);
});

test('a refusal is thrown once all are answered, and the stage is given back', async () => {
  const reservation = new Reservation();
  reservation.add('second', message('a', 1));
  reservation.add('first', message('a', 1));
  const { context, staged, holders } = replica([], true);
  await assert.rejects(reservation.ask(context, []), /refused/);
  assert.deepEqual([staged, holders()], [[['first', 'a']], 0]);
});
