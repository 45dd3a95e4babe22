import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EngineContext, runUser } from '../../../src/replicate/engine.ts';
import { type Judgement, judge } from '../../../src/verify/judge.ts';
import { KeptSides } from '../../../src/verify/kept-sides.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** A user who is replicated, then compared, over one connection. */
class KeptScene implements AsyncDisposable {
  readonly engine: EngineScene;
  readonly context: EngineContext;
  #kept: KeptSides;
  asked = 0;

  static async start(): Promise<KeptScene> {
    const engine = await EngineScene.start();
    engine.master.addUser('anna', ['Sent']);
    return new KeptScene(engine, await engine.context());
  }

  private constructor(engine: EngineScene, context: EngineContext) {
    this.engine = engine;
    const { session } = context;
    const getUser: typeof session.getUser = (...args) => {
      this.asked += 1;
      return session.getUser(...args);
    };
    this.context = { ...context, session: { ...session, info: session.info, getUser } };
    this.#kept = new KeptSides(this.context);
  }

  async replicate(): Promise<void> {
    this.#kept = new KeptSides(this.context);
    this.asked = 0;
    await runUser({ ...this.context, ...this.#kept.heard() }, 'anna');
  }

  async compare(): Promise<Judgement> {
    const parts = {
      context: { ...this.context, ...this.#kept.told() },
      how: { deep: undefined, repair: false, logs: [] },
      pending: { includes: async () => false },
      pause: async () => {},
    };
    return await judge(parts, { kind: 'user', user: 'anna' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine[Symbol.asyncDispose]();
  }
}

test('what was sent is asked for anew, and compared with what was read here to be sent', async () => {
  await using scene = await KeptScene.start();
  await scene.replicate();
  scene.engine.master.append('user.anna', 'meanwhile');
  assert.equal((await scene.compare()).verdict, 'proven');
  assert.equal(scene.asked, 2);
  assert.equal((await scene.compare()).verdict, 'different', 'told once alone');
});

test('folders and subscriptions are compared as the job had them, and read anew from then on', async () => {
  await using scene = await KeptScene.start();
  await scene.replicate();
  scene.engine.master.put('user.anna.Later');
  assert.equal((await scene.compare()).verdict, 'proven');
  const { verdict, differences } = await scene.compare();
  assert.equal(verdict, 'different', 'told once alone');
  assert.deepEqual(
    differences.map(({ kind, mailbox }) => `${kind} ${mailbox}`),
    ['mailbox user.anna.Later'],
  );
});

test('where nothing was sent the answer counts that told so, and nobody is asked again', async () => {
  await using scene = await KeptScene.start();
  await scene.replicate();
  await scene.replicate();
  assert.equal((await scene.compare()).verdict, 'proven');
  assert.equal(scene.asked, 1);
});

test('what the replica did not keep of what was sent is found', async () => {
  await using scene = await KeptScene.start();
  const { session } = scene.context;
  await scene.replicate();
  await session.applyUnmailbox('user.anna.Sent', true);
  const { verdict, differences } = await scene.compare();
  assert.equal(verdict, 'different');
  assert.deepEqual(
    differences.map(({ kind, mailbox }) => `${kind} ${mailbox}`),
    ['mailbox user.anna.Sent'],
  );
});

test('what may have gone over a borrowed connection is asked for anew', async () => {
  await using scene = await KeptScene.start();
  await scene.replicate();
  await scene.replicate();
  const kept = new KeptSides({ ...scene.context, borrow: async () => undefined });
  const { session, borrow } = kept.heard();
  const first = await session.getUser('anna');
  assert.equal(await kept.told().session.getUser('anna'), first);
  await session.getUser('anna');
  await borrow?.();
  scene.asked = 0;
  await kept.told().session.getUser('anna');
  assert.equal(scene.asked, 1);
});
