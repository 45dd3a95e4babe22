import assert from 'node:assert/strict';
import test from 'node:test';
import { withCountedChecksums } from '../../../src/replicate/merge/with-counted-checksums.ts';
import { entry, lockedMailbox, record } from '../../lab/engine-fakes.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const NOTICE = /^the checksum in the index of user\.anna is not that of its records: .*reconstruct/;

for (const [what, state] of [
  ['SYNC_CRC', { crcBasic: 12345 }],
  ['SYNC_CRC_ANNOT', { crcAnnotations: 12345 }],
] as const) {
  for (const batchSize of [8192, 2]) {
    test(`a wrong ${what} in the master's index is counted anew where nobody may mend it, in steps of ${batchSize}`, async () => {
      await using scene = await EngineScene.start();
      scene.options = { ...scene.options, noCopyback: true, batchSize };
      const { master } = scene;
      master.addUser('anna', [], { messages: ['1', '2', '3', '4', '5'], state });
      assert.equal(await scene.runUser('anna'), 'synced');
      scene.assertSame('anna');
      assert.equal(scene.logged().filter((text) => NOTICE.test(text)).length, 1, scene.logged().join('\n'));
      scene.takeCommands();
      assert.equal(await scene.runUser('anna'), 'synced');
      assert.deepEqual(scene.takeCommands(), [], 'there is nothing left to send');
      for (const text of ['6', '7', '8']) master.append('user.anna', text);
      assert.equal(await scene.runUser('anna'), 'synced');
      scene.assertSame('anna');
    });
  }
}

test('where records are missing the checksum is believed, and the mailbox fails', async () => {
  await using scene = await EngineScene.start();
  scene.options = { ...scene.options, noCopyback: true };
  scene.master.addUser('anna', [], { messages: ['1', '2'], state: { crcBasic: 12345, exists: 3 } });
  await assert.rejects(scene.runUser('anna'), { code: 'IMAP_SYNC_CHANGED' });
});

test('a replica that holds something else is no matter of counting', async () => {
  await using scene = await EngineScene.start();
  scene.options = { ...scene.options, noCopyback: true };
  const { master } = scene;
  master.put('user.anna', { uniqueid: 'id', messages: ['1', '2'] });
  await scene.runUser('anna');
  // The same counters over other messages.
  const { highestmodseq } = scene.replica.inspect().mailboxes['user.anna'] ?? {};
  const { uidvalidity } = master.lookup('user.anna') ?? {};
  assert.ok(highestmodseq !== undefined && uidvalidity !== undefined);
  master.put('user.anna', {
    uniqueid: 'id',
    messages: ['1', 'other'],
    entry: { uidvalidity },
    state: { highestmodseq },
  });
  await assert.rejects(scene.runUser('anna'), { code: 'IMAP_SYNC_CHECKSUM' });
  assert.ok(!scene.logged().some((text) => NOTICE.test(text)));
});

test('a wrong checksum is counted anew behind a merge as well, where nobody may mend it', async () => {
  await using scene = await EngineScene.start();
  scene.options = { ...scene.options, noCopyback: true };
  const { master } = scene;
  master.addUser('anna', [], { messages: ['1', '2', '3'] });
  await scene.runUser('anna');
  master.expunge('user.anna', 2);
  master.cleanUp('user.anna');
  master.skewChecksum('user.anna', 12345);
  assert.equal(await scene.runUser('anna'), 'synced');
  const records = scene.replica.inspect().mailboxes['user.anna']?.records ?? [];
  const live = records.filter(({ flags }) => !flags.includes('\\Expunged'));
  assert.deepEqual(
    live.map(({ guid }) => guid),
    master.guids('user.anna'),
  );
});

test('a checksum that the master does not keep is not counted for it, each half by itself', () => {
  const inbox = entry('user.anna');
  const counted = (crcBasic: number, crcAnnotations: number): boolean[] => {
    const mailbox = lockedMailbox(inbox, [record(1, 2)], { exists: 1, crcBasic, crcAnnotations });
    const local = { entry: inbox, state: mailbox.state, annotations: [] };
    const { state } = withCountedChecksums(mailbox, local, undefined);
    return [state.crcBasic, state.crcAnnotations].map((crc) => crc !== 0);
  };
  assert.deepEqual(counted(0, 0), [false, false]);
  assert.deepEqual(counted(1, 0), [true, false]);
  assert.deepEqual(counted(0, 1), [false, true]);
  assert.deepEqual(counted(1, 1), [true, true]);
});
