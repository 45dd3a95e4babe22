import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';

function stageOf(restarts: number[]): Stage {
  const session: Pick<ReplicaSession, 'restart'> = {
    restart: () => {
      restarts.push(1);
      return Promise.resolve();
    },
  };
  return new Stage(session as ReplicaSession);
}

const many = (from: number): string[] => Array.from({ length: 32_768 }, (_, i) => `g${from + i}`);
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('RESTART waits for every holder, and a new holder waits for RESTART', async () => {
  const restarts: number[] = [];
  const stage = stageOf(restarts);
  const first = await stage.hold();
  const second = await stage.hold();
  stage.add('default', many(0));
  let third: Disposable | undefined;
  const asked = stage.hold().then((hold) => {
    third = hold;
  });
  first[Symbol.dispose]();
  await settled();
  assert.equal(third, undefined);
  assert.ok(stage.find('default', 'g0'), 'still staged for the second holder');
  second[Symbol.dispose]();
  await asked;
  assert.equal(restarts.length, 1);
  assert.equal(stage.find('default', 'g0'), undefined);
});

test('a GUID whose upload failed is not taken for staged', async () => {
  const stage = stageOf([]);
  stage.add('default', ['g'], Promise.reject(new Error('refused')));
  await settled();
  assert.equal(stage.find('default', 'g'), undefined);
});

test('shares of the budget are given in order of asking, and a request beyond all of it still gets its turn', async () => {
  const stage = stageOf([]);
  const order: string[] = [];
  const first = await stage.budget(10_000);
  const giant = stage.budget(1_000_000).then((share) => {
    order.push('giant');
    return share;
  });
  const small = stage.budget(1).then((share) => {
    order.push('small');
    return share;
  });
  await settled();
  assert.deepEqual(order, []);
  first[Symbol.dispose]();
  (await giant)[Symbol.dispose]();
  (await small)[Symbol.dispose]();
  assert.deepEqual(order, ['giant', 'small']);
});

test('a stage that is full and held by nobody is dropped before it is relied on again', async () => {
  const restarts: number[] = [];
  const stage = stageOf(restarts);
  stage.add('default', many(0));
  await stage.hold();
  assert.equal(restarts.length, 1);
  assert.equal(stage.find('default', 'g0'), undefined);
});

test('a stage is dropped when it has as many messages as it may have, over all partitions, and not before', async () => {
  let restarts = 0;
  const session = { restart: async () => void restarts++ } as unknown as ReplicaSession;
  const stage = new Stage(session, 3);
  stage.add('default', ['a']);
  stage.add('other', ['b']);
  (await stage.hold())[Symbol.dispose]();
  assert.equal(restarts, 0);
  stage.add('other', ['c']);
  (await stage.hold())[Symbol.dispose]();
  assert.equal(restarts, 1);
});
