import assert from 'node:assert/strict';
import test from 'node:test';
import type { BorrowedLink, EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Spread } from '../../../src/replicate/folders/spread.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

interface SceneOptions {
  isLent?: () => boolean;
  /** Milliseconds; undefined: not known yet. */
  backlogMs?: () => number | undefined;
}

function scene({ isLent = () => true, backlogMs = () => undefined }: SceneOptions = {}) {
  let given = 0;
  let asked = 0;
  const session = {
    wayMs: 40,
    get backlogMs() {
      return backlogMs();
    },
  };
  const context = {
    session,
    options: { batchSize: 8192 },
    borrow: async () => {
      asked += 1;
      if (!isLent()) return undefined;
      return { session: {}, [Symbol.dispose]: () => given++ } as unknown as BorrowedLink;
    },
  } as unknown as EngineContext;
  const spread = new Spread(context);
  const next = async (messages: number) => {
    const course = await spread.next(messages);
    return { over: course.context === context ? 'own' : 'other', finish: () => course[Symbol.dispose]() };
  };
  return { spread, next, given: () => given, asked: () => asked };
}

test('mailboxes go over the connection with less to do, once the first has enough', async () => {
  const { spread, next, given } = scene();
  const first = await next(400);
  assert.equal(first.over, 'own');
  assert.equal((await next(300)).over, 'other');
  assert.equal((await next(200)).over, 'other');
  assert.equal((await next(200)).over, 'own');
  first.finish();
  assert.equal((await next(100)).over, 'own');
  spread[Symbol.dispose]();
  assert.equal(given(), 1);
});

test('no connection is asked for by a job with little to send, nor one whose first mailbox is all that it has', async () => {
  const { next, asked } = scene();
  await next(10_000);
  assert.equal(asked(), 0);
  const little = scene();
  for (let mailbox = 0; mailbox < 5; mailbox += 1) await little.next(100);
  assert.equal(little.asked(), 0);
});

test('as much as is enough for a connection is not too much for it', async () => {
  const { next, asked } = scene();
  for (let mailbox = 0; mailbox < 2; mailbox += 1) assert.equal((await next(256)).over, 'own');
  assert.equal(asked(), 0);
});

test('where the replica keeps up, more is sent over the first connection without waiting', async () => {
  const { next, asked } = scene({ backlogMs: () => 39 });
  for (let mailbox = 0; mailbox < 5; mailbox += 1) assert.equal((await next(500)).over, 'own');
  assert.equal(asked(), 0);
});

test('where no other connection can be had, the next mailbox waits until the first has less to do', async () => {
  const { spread, next } = scene({ isLent: () => false, backlogMs: () => 1_000 });
  const first = await next(500);
  let isNext = false;
  const second = next(500).then(({ over }) => {
    isNext = true;
    return over;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isNext, false);
  first.finish();
  assert.equal(await second, 'own');
  spread[Symbol.dispose]();
});

test('of two connections with as much to do the own one has the next mailbox', async () => {
  const { next } = scene();
  assert.equal((await next(400)).over, 'own');
  assert.equal((await next(300)).over, 'other');
  assert.equal((await next(100)).over, 'other');
  assert.equal((await next(1)).over, 'own');
});

test('connections that were lent are given back once all mailboxes are finished', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  scene.options = { ...scene.options, batchSize: 3 };
  for (const name of ['user.anna', 'user.anna.Drafts', 'user.anna.Sent'])
    master.put(name, { messages: Array.from({ length: 5 }, (_, number) => `${name} ${number}`) });
  const other = await scene.context();
  const isLent: boolean[] = [];
  const borrow = async (): Promise<BorrowedLink> => {
    const number = isLent.push(true) - 1;
    return {
      ...other,
      [Symbol.dispose]: () => {
        isLent[number] = false;
      },
    };
  };
  await runUser(await scene.context({ borrow }), 'anna');
  assert.ok(isLent.length > 0);
  assert.ok(isLent.every((each) => !each));
  scene.assertSame('anna');
});
