import assert from 'node:assert/strict';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

/*
 * Contract: mail of old indexes, whose modseqs are 0 (upgraded by Cyrus 2.4) or 1 (kept by Cyrus 2.3 without CONDSTORE), is
 * copied as it is, also to a mailbox that an interrupted run has left empty; the master is never written to for it.
 */

const INBOX = 'user.anna';
const LIMITS = { storage: 10, messages: -1, annotationStorage: -1, folders: -1, modseq: 1 };

/** Messages of these modseqs, from UID 1 on, and a last one that came after the upgrade. */
async function withMail(modseqs: readonly number[], folders: readonly string[] = []): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', folders, { messages: modseqs.map((_, i) => `message ${i + 1}`) });
  const records = scene.master.records(INBOX);
  for (const [i, modseq] of modseqs.entries()) {
    const record = records[i];
    if (record) record.modseq = modseq;
  }
  scene.master.append(INBOX, 'the latest');
  return scene;
}

/** Both sides have the same messages at the same modseqs, and a further run has nothing to send. */
async function assertCopied(scene: EngineScene): Promise<void> {
  scene.assertSame('anna');
  const modseqs = (records: readonly { uid: number; modseq: number }[]): number[][] =>
    records.map(({ uid, modseq }) => [uid, modseq]);
  const there = scene.replica.inspect().mailboxes[INBOX]?.records ?? [];
  assert.deepEqual(modseqs(there), modseqs(scene.master.records(INBOX)));
  scene.takeCommands();
  await scene.runUser('anna');
  assert.deepEqual(scene.takeCommands(), []);
}

for (const noCopyback of [false, true]) {
  for (const state of [{}, { crcBasic: 0, crcAnnotations: 0, indexVersion: 10 }]) {
    const how = `${noCopyback ? '-O' : 'master = none'}, ${'crcBasic' in state ? 'without' : 'with'} checksums`;
    test(`mail of modseq 0 is copied whole, and what comes and changes later follows: ${how}`, async () => {
      await using scene = await withMail([0, 0, 0]);
      scene.options.noCopyback = noCopyback;
      await scene.runUser('anna');
      await assertCopied(scene);
      scene.master.append(INBOX, 'one more');
      scene.master.flag(INBOX, 2, () => ['\\Seen']);
      scene.master.expunge(INBOX, 3);
      await scene.runUser('anna');
      await assertCopied(scene);
    });
  }
}

for (const modseqs of [
  [0, 0, 0, 0, 9, 8],
  [9, 8, 7, 6, 0, 0],
  [9, 0, 8, 0, 7, 1],
  [1, 1, 1, 1, 1, 1],
  [1, 0, 0, 0, 0, 0],
]) {
  test(`a copy in steps leaves nothing of modseqs ${modseqs} behind, interrupted or not`, async () => {
    for (const interrupted of [undefined, 1, 2, 3]) {
      await using scene = await withMail(modseqs);
      scene.options.batchSize = 2;
      if (interrupted !== undefined) {
        scene.replica.inject({ on: 'APPLY MAILBOX', nth: interrupted, do: 'cut-before' });
        await scene.runUser('anna').catch(() => undefined);
      }
      await scene.runUser('anna');
      await assertCopied(scene);
    }
  });
}

for (const modseq of [0, 1, 2, 5]) {
  test(`a mailbox that was made for its partition or its quota and got nothing is filled: modseq ${modseq}`, async () => {
    for (const folders of [[], ['Sent', 'Work']]) {
      await using scene = await withMail([modseq, modseq, modseq], folders);
      scene.master.quotas.set(INBOX, { root: INBOX, ...LIMITS });
      scene.replica.inject({ on: 'APPLY MESSAGE', do: 'no' });
      await assert.rejects(scene.runUser('anna'));
      const { lastUid, highestmodseq } = scene.replica.inspect().mailboxes[INBOX] ?? {};
      assert.deepEqual([lastUid, highestmodseq], [0, 1]);
      await scene.runUser('anna');
      await assertCopied(scene);
      assert.ok(!scene.events.some(({ kind }) => kind === 'mailbox:diverged'));
    }
  });
}

test('a mailbox that was made and got nothing is filled, not merged, where messages were cleaned up here before', async () => {
  await using scene = await withMail([2, 3, 4, 5, 6]);
  scene.master.expunge(INBOX, 2);
  scene.master.cleanUp(INBOX);
  scene.replica.inject({ on: 'APPLY MESSAGE', do: 'no' });
  await assert.rejects(scene.runUser('anna'));
  await scene.runUser('anna');
  await assertCopied(scene);
  assert.ok(!scene.events.some(({ kind }) => kind === 'mailbox:diverged'));
});
