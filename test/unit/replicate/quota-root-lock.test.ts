import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as later } from 'node:timers/promises';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { QuotaRootLock } from '../../../src/replicate/connection/quota-root-lock.ts';
import { removeAllButDeleted } from '../../../src/replicate/jobs/remove-all-but-deleted.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';
import { rejection } from '../../lab/errors.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';

/*
 * Contract: quota roots are made and removed over one connection at a time. Limits of a root that is there go out whenever
 * they come.
 */

const LIMITS = { storage: 10, messages: -1, annotationStorage: -1, folders: -1 };

/** Users with a quota each. `asked` counts how often the lock of quota roots was in vain. */
async function withQuotas(...userids: readonly string[]) {
  const scene = await EngineScene.start();
  for (const userid of userids) {
    scene.master.addUser(userid);
    setQuota(scene, userid);
  }
  const waits = { inVain: 0 };
  const take = scene.master.tryQuotaRootLock.bind(scene.master);
  scene.master.tryQuotaRootLock = (server) => {
    const lock = take(server);
    if (!lock) waits.inVain++;
    return lock;
  };
  return { scene, waits, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

function setQuota({ master }: EngineScene, userid: string, storage = LIMITS.storage): void {
  const root = `user.${userid}`;
  master.quotas.set(root, { root, ...LIMITS, storage, modseq: 1 });
}

function rootsThere({ replica }: EngineScene): string[] {
  return replica
    .inspect()
    .quotas.map(({ root }) => root)
    .sort();
}

/** Holds the answer of the first QUOTA or UNQUOTA of a scene back until another connection has asked for the lock in vain. */
function holdFirst(scene: EngineScene, waits: { inVain: number }): { most: number } {
  const watch = { most: 0, first: true };
  let unanswered = 0;
  scene.through = (session) => {
    const watched =
      <Args extends unknown[]>(send: (...args: Args) => Promise<void>) =>
      async (...args: Args): Promise<void> => {
        unanswered++;
        watch.most = Math.max(watch.most, unanswered);
        const isFirst = watch.first;
        watch.first = false;
        // Two that are under way at once are seen, and end the wait too.
        while (isFirst && waits.inVain === 0 && watch.most === 1) await later();
        try {
          await send(...args);
        } finally {
          unanswered--;
        }
      };
    return inPlaceOf(session, {
      applyQuota: watched(session.applyQuota.bind(session)),
      applyUnquota: watched(session.applyUnquota.bind(session)),
    } satisfies Partial<ReplicaSession>);
  };
  return watch;
}

test('two connections make quota roots one after the other', async () => {
  await using quotas = await withQuotas('anna', 'bob');
  const { scene, waits } = quotas;
  const watch = holdFirst(scene, waits);
  await Promise.all([scene.runUser('anna'), scene.runUser('bob')]);
  assert.deepEqual([watch.most, waits.inVain > 0], [1, true]);
  assert.deepEqual(rootsThere(scene), ['user.anna', 'user.bob']);
});

test('one connection removes roots after another has made some, and so do lines of a log', async () => {
  await using quotas = await withQuotas('anna', 'bob', 'carl');
  const { scene } = quotas;
  for (const userid of ['anna', 'bob']) await scene.runUser(userid);
  const removals = [
    () => scene.runUser('bob'),
    () => scene.runActions([], { kind: 'quota', root: 'user.bob' }),
    async () => removeAllButDeleted(await scene.context(), 'bob'),
  ];
  for (const remove of removals) {
    await scene.runUser('bob');
    scene.master.quotas.delete('user.anna');
    await scene.runUser('anna');
    setQuota(scene, 'anna');
    scene.master.quotas.delete('user.bob');
    quotas.waits.inVain = 0;
    const watch = holdFirst(scene, quotas.waits);
    await Promise.all([scene.runUser('anna'), remove()]);
    assert.deepEqual([watch.most, quotas.waits.inVain > 0], [1, true], String(remove));
    setQuota(scene, 'bob');
  }
});

test('limits of a root that is there are changed while others make roots', async () => {
  await using quotas = await withQuotas('anna');
  const { scene } = quotas;
  await scene.runUser('anna');
  setQuota(scene, 'anna', 20);
  using _others = scene.master.tryQuotaRootLock('replica');
  await scene.runUser('anna');
  assert.equal(scene.replica.inspect().quotas[0]?.storage, 20);
});

test('while others have the lock all else of a user arrives, and after its patience the quota alone is a failure', async () => {
  await using quotas = await withQuotas('anna');
  const { scene } = quotas;
  const context = await scene.context();
  const { quotaRootLock } = context;
  context.quotaRootLock.hold = (parts) => QuotaRootLock.prototype.hold.call(quotaRootLock, parts, 20);
  const others = scene.master.tryQuotaRootLock('replica');
  const error = await rejection(runUser(context, 'anna'));
  assert.deepEqual(
    [error.code, error.phase, error.user, error.retryable],
    ['LOCK_TIMEOUT', 'quota', 'anna', true],
  );
  assert.equal(error.leaves, 'metadata-differs');
  scene.assertSame('anna');
  others?.[Symbol.dispose]();
  await scene.runUser('anna');
  assert.deepEqual(rootsThere(scene), ['user.anna']);
});

/** A store that counts the locks that it has given, and a session. */
function parts() {
  const given = { locks: 0, now: 0 };
  const store = {
    tryQuotaRootLock: () => {
      if (given.now > 0) return undefined;
      given.locks++;
      given.now++;
      return { [Symbol.dispose]: () => void given.now-- };
    },
  };
  return { given, parts: { store, session: { broken: false }, options: { server: 'replica' } } };
}

test('jobs on one connection share the lock, and the last of them gives it back', async () => {
  const lock = new QuotaRootLock();
  const { given, parts: own } = parts();
  const first = await lock.hold(own);
  const second = await lock.hold(own);
  assert.deepEqual(given, { locks: 1, now: 1 });
  first[Symbol.dispose]();
  assert.equal(given.now, 1);
  second[Symbol.dispose]();
  assert.equal(given.now, 0);
  const third = await lock.hold(own);
  assert.deepEqual(given, { locks: 2, now: 1 });
  third[Symbol.dispose]();
});

test('on a connection that has the lock for long, who comes later has to get it anew', async (t) => {
  const lock = new QuotaRootLock();
  const { given, parts: own } = parts();
  mockNowMs(t.mock, () => clock);
  let clock = 0;
  const first = await lock.hold(own);
  clock = 1000;
  const late = lock.hold(own);
  await later();
  assert.equal(given.locks, 1);
  first[Symbol.dispose]();
  using _late = await late;
  assert.equal(given.locks, 2);
});

test('nobody waits for the lock on a connection that is broken', async () => {
  const lock = new QuotaRootLock();
  const { parts: own } = parts();
  using _others = own.store.tryQuotaRootLock();
  own.session.broken = false;
  const waiting = lock.hold(own);
  own.session.broken = true;
  using nothing = await waiting;
  assert.ok(nothing);
});
