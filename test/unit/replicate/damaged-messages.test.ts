import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { areTooMany } from '../../../src/replicate/compare/left-out.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const INBOX = 'user.anna';

function uidsThere(scene: EngineScene): number[] {
  return (scene.replica.inspect().mailboxes[INBOX]?.records ?? []).map(({ uid }) => uid);
}

function damagedTold(scene: EngineScene): number[] {
  return scene.events.flatMap((event) => (event.kind === 'message:damaged' ? [event.damage.uid] : []));
}

async function failure(scene: EngineScene): Promise<SyncError | undefined> {
  try {
    await scene.runUser('anna');
    return undefined;
  } catch (caught) {
    return SyncError.from(caught);
  }
}

test('whatever messages are damaged, in one command or in steps, exactly those are left out and told', async () => {
  const count = 12;
  await fc.assert(
    fc.asyncProperty(
      // Not all: without annotations the checksums of an empty mailbox are those that match anything.
      fc.uniqueArray(fc.integer({ min: 1, max: count }), { minLength: 1, maxLength: count - 1 }),
      fc.constantFrom(0, 5),
      async (damaged, batchSize) => {
        await using scene = await EngineScene.start();
        scene.options = { ...scene.options, batchSize };
        scene.master.addUser('anna', ['Sent'], {
          messages: Array.from({ length: count }, (_, i) => `message ${i}`),
        });
        scene.master.damagedMessages.set(INBOX, new Set(damaged));
        const error = await failure(scene);
        assert.deepEqual([error?.code, error?.leaves], ['MESSAGE_UNREADABLE', 'damaged-at-source']);
        const sound = Array.from({ length: count }, (_, i) => i + 1).filter((uid) => !damaged.includes(uid));
        assert.deepEqual(uidsThere(scene), sound);
        assert.deepEqual(
          damagedTold(scene).sort((a, b) => a - b),
          damaged.sort((a, b) => a - b),
        );
        assert.ok(scene.replica.inspect().mailboxes['user.anna.Sent'], 'what is below it is replicated');
        // Seen from the checksums, which is all that the next run looks at first.
        scene.events.length = 0;
        assert.equal((await failure(scene))?.leaves, 'damaged-at-source');
        assert.deepEqual(uidsThere(scene), sound);
      },
    ),
    { numRuns: 12 },
  );
});

test('a message is sent from another record of it whose file is sound', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', [], { messages: ['same', 'other', 'same', 'same'] });
  scene.master.damagedMessages.set(INBOX, new Set([1, 3]));
  assert.equal(await failure(scene), undefined);
  assert.deepEqual(uidsThere(scene), [1, 2, 3, 4]);
  scene.assertSame('anna');
});

test('an expunged message whose file is damaged does not matter', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', [], { messages: ['one', 'two', 'three'] });
  scene.master.expunge(INBOX, 2);
  scene.master.damagedMessages.set(INBOX, new Set([2]));
  assert.equal(await failure(scene), undefined);
});

test('a replica that had the message keeps it when its file is damaged later', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', [], { messages: ['one', 'two'] });
  await scene.runUser('anna');
  scene.master.damagedMessages.set(INBOX, new Set([1]));
  scene.master.append(INBOX, 'three');
  assert.equal(await failure(scene), undefined);
  assert.deepEqual(uidsThere(scene), [1, 2, 3]);
});

test('where so many are damaged that the disk may be missing, the mailbox is not sent without them', async () => {
  await using scene = await EngineScene.start();
  scene.master.addUser('anna', ['Sent'], { messages: Array.from({ length: 40 }, (_, i) => `message ${i}`) });
  scene.master.damagedMessages.set(INBOX, new Set(Array.from({ length: 20 }, (_, i) => i + 10)));
  const error = await failure(scene);
  assert.deepEqual([error?.code, error?.leaves], ['MESSAGE_UNREADABLE', undefined]);
  assert.deepEqual(uidsThere(scene), []);
  assert.deepEqual(damagedTold(scene), []);
});

test('few are damage in any mailbox, many only in a large one', () => {
  const pairs = [
    [1, 1],
    [16, 16],
    [17, 169],
    [17, 170],
    [1_000, 9_999],
  ] as const;
  assert.deepEqual(
    pairs.map(([leftOut, exists]) => areTooMany(leftOut, { exists, indexVersion: 17 })),
    [false, false, true, false, true],
  );
});

test('a mailbox of which nothing would be left is sent only where the checksums go on telling that', () => {
  assert.deepEqual(
    [10, 12, 13, 17].map((indexVersion) => areTooMany(2, { exists: 2, indexVersion })),
    [true, true, false, false],
  );
  assert.equal(areTooMany(1, { exists: 2, indexVersion: 12 }), false);
});
