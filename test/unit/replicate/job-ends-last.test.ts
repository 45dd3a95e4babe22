import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { removeAllButDeleted } from '../../../src/replicate/jobs/remove-all-but-deleted.ts';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/*
 * Contract: whatever a job fails with, it ends, and gives its sync lock back, only when none of its commands is under way and
 * none will be sent any more: another client may be at work on the user from then on.
 */

const INBOX = 'user.anna';

interface Watched {
  /** Commands that change the replica and are not answered. */
  underWay: Set<string>;
  /** Is called as each of them is sent. */
  onSent: (command: string) => void;
  /** Commands that were under way without the lock. */
  late: string[];
}

function watch(scene: EngineScene): Watched {
  const watched: Watched = { underWay: new Set(), onSent: () => undefined, late: [] };
  const { underWay, late } = watched;
  let locks = 0;
  const { master } = scene;
  const tryLock = master.trySyncLock.bind(master);
  master.trySyncLock = (server, owner) => {
    const lock = tryLock(server, owner);
    if (!lock) return undefined;
    locks++;
    return {
      [Symbol.dispose]() {
        locks--;
        late.push(...underWay);
        lock[Symbol.dispose]();
      },
    };
  };
  let count = 0;
  scene.through = (session) =>
    new Proxy(session, {
      get(target, key: keyof ReplicaSession & string) {
        const value = target[key];
        if (typeof value !== 'function') return value;
        if (!key.startsWith('apply')) return value.bind(target);
        return (...args: unknown[]) => {
          const command = `${key} ${++count}`;
          if (locks === 0) late.push(`${command}, sent later`);
          underWay.add(command);
          watched.onSent(key);
          const answer: Promise<unknown> = Reflect.apply(value, target, args);
          return answer.finally(() => underWay.delete(command));
        };
      },
    });
  return watched;
}

const TIMEOUT = new SyncError('LOCK_TIMEOUT', 'no shared lock on mailboxes.db', { retryable: true });
const FULL = new SyncError('IO', 'the disk gives nothing', { retryable: true });

/** Has the list of mailboxes fail once, while commands are under way. */
function failLookup({ master }: EngineScene, { underWay }: Watched): void {
  const lookup = master.lookup.bind(master);
  master.lookup = (name) => {
    if (underWay.size === 0) return lookup(name);
    master.lookup = lookup;
    throw TIMEOUT;
  };
}

const contents = (count: number, octets: number): string[] =>
  Array.from({ length: count }, (_, i) => `${i} ${'x'.repeat(octets)}`);

/** The job fails with that and nothing of it goes on; the next one brings everything. */
async function assertEndsLast(scene: EngineScene, watched: Watched, code: string): Promise<void> {
  const { late, underWay } = watched;
  await assert.rejects(scene.runUser('anna'), { code });
  assert.deepEqual([late, [...underWay]], [[], []]);
  // What was still sent would be sent meanwhile.
  await setTimeout(50);
  assert.deepEqual(late, []);
  watched.onSent = () => undefined;
  scene.master.damaged.clear();
  scene.master.unreadable.clear();
  await scene.runUser('anna');
  scene.assertSame('anna');
}

test('the list of mailboxes cannot be read once all folders are on their way', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', []);
  await scene.runUser('anna');
  for (const text of contents(30, 2000)) scene.master.append(INBOX, text);
  scene.options.batchSize = 2;
  const watched = watch(scene);
  failLookup(scene, watched);
  await assertEndsLast(scene, watched, 'LOCK_TIMEOUT');
});

test('the list of mailboxes cannot be read for a folder while those before it are on their way', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent', 'Work', 'Zoo'], { messages: contents(30, 2000) });
  scene.options.batchSize = 2;
  const watched = watch(scene);
  failLookup(scene, watched);
  await assertEndsLast(scene, watched, 'LOCK_TIMEOUT');
});

test('a step of a mailbox cannot be read while the one before is not answered', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', []);
  await scene.runUser('anna');
  for (const text of contents(10, 2000)) scene.master.append(INBOX, text);
  scene.options.batchSize = 2;
  const watched = watch(scene);
  watched.onSent = (command) => {
    if (command === 'applyMailbox') scene.master.damaged.set(INBOX, FULL);
  };
  await assertEndsLast(scene, watched, 'IO');
});

test('a message cannot be read while those before it are on their way', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', []);
  await scene.runUser('anna');
  for (const text of contents(4, 700_000)) scene.master.append(INBOX, text);
  const watched = watch(scene);
  watched.onSent = (command) => {
    if (command === 'applyMessages') scene.master.unreadable.set(INBOX, FULL);
  };
  await assertEndsLast(scene, watched, 'IO');
});

test('the removal of a user is refused in part while the rest is on its way', async () => {
  await using scene = await EngineScene.start({ release: '3.2.6', offer: { sieveMailbox: false } });
  const { master } = scene;
  master.addUser('anna', ['Work']);
  for (const folder of ['One', 'Two', 'Three']) master.subscribe('anna', `${INBOX}.${folder}`);
  await scene.runUser('anna');
  const { session } = await scene.context();
  const names = { oldName: `${INBOX}.Work`, newName: 'DELETED.user.anna.Work.6B0B79F8' };
  await session.applyRename({ ...names, partition: 'default', uidvalidity: 1, local: false });
  scene.replica.inject({ on: 'APPLY UNSUB', do: 'no' });
  const watched = watch(scene);
  const { through } = scene;
  scene.through = (plain) =>
    through(
      inPlaceOf(plain, {
        applyUnsub: async (...args) => {
          await plain.applyUnsub(...args);
          await setTimeout(20);
        },
      }),
    );
  await assert.rejects(removeAllButDeleted(await scene.context(), 'anna'));
  assert.deepEqual([...watched.underWay], []);
});

test('what one command fails with before it is sent ends a job behind those that were', async () => {
  const failures = new Failures('anna');
  let answered = false;
  const send = async (item: number): Promise<void> => {
    await setTimeout(5 * item);
    answered = true;
  };
  const sending = failures.each('seen', { window: async () => undefined }, [1, 2], (item) => {
    if (item === 2) throw new SyncError('CANCELLED', 'the run is being cancelled');
    return send(item);
  });
  await assert.rejects(sending, { code: 'CANCELLED' });
  assert.ok(answered);
});
