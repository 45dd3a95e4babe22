import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { IndexRecord, MasterStore } from '../../../src/store/master-store.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/*
 * Contract: a mailbox that changes while it is being sent, on either side, is looked at again, and given up after some
 * attempts with a failure that may be tried again.
 */

const WORK = 'user.anna.Work';

/** Anna with a folder that has a new message. */
async function withNews(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  scene.master.addUser('anna', ['Work']);
  await scene.runUser('anna');
  scene.master.append(WORK, 'news');
  scene.takeCommands();
  return scene;
}

function sent(scene: EngineScene): string[] {
  return scene.takeCommands().map((command) => command.split(' ')[0] ?? '');
}

test('a mailbox that somebody else changes on the replica is sent three times at most, its messages once', async () => {
  const changed = {
    on: 'APPLY MAILBOX',
    mailbox: WORK,
    do: 'no',
    text: 'IMAP_SYNC_CHANGED Changed',
  } as const;
  await using twice = await withNews();
  const struck = twice.replica.inject({ ...changed, times: 2 });
  await twice.runUser('anna');
  assert.equal(struck(), 2);
  assert.deepEqual(sent(twice), ['MESSAGE', 'MAILBOX', 'MAILBOX', 'MAILBOX']);
  twice.assertSame('anna');
  await using ever = await withNews();
  const again = ever.replica.inject({ ...changed, times: 99 });
  await assert.rejects(ever.runUser('anna'), { code: 'IMAP_SYNC_CHANGED', mailbox: WORK });
  assert.equal(again(), 3);
  assert.deepEqual(sent(ever), ['MESSAGE', 'MAILBOX', 'MAILBOX', 'MAILBOX']);
});

/** Has the newest message of the folder removed for good, and another one come, so many times when it is to be read. */
function removing({ master }: EngineScene, times: number): { looks: number; kept: number[][] } {
  const noted = { looks: 0, kept: [] as number[][] };
  const read = master.readMailbox.bind(master);
  let removed = 0;
  master.readMailbox = (async (name: string, use: Parameters<MasterStore['readMailbox']>[1]) =>
    await read(name, (mailbox) => {
      const { messages } = mailbox;
      if (name !== WORK) return use(mailbox);
      noted.looks++;
      return use({
        ...mailbox,
        messages: {
          keepFiles: (records: readonly IndexRecord[]) => {
            noted.kept.push(records.map(({ uid }) => uid));
            return messages.keepFiles(records);
          },
          readMessage: async (record, into) => {
            if (removed++ < times) throw new SyncError('IMAP_SYNC_CHANGED', 'removed', { retryable: true });
            return await messages.readMessage(record, into);
          },
        },
      });
    })) as MasterStore['readMailbox'];
  return noted;
}

test('a mailbox of which messages are removed here is read again, with the files of what is not there yet kept, ten times at most', async () => {
  await using late = await withNews();
  const noted = removing(late, 9);
  await late.runUser('anna');
  late.assertSame('anna');
  assert.equal(noted.kept.length, 9, 'not at the first look');
  assert.ok(noted.kept.every((uids) => String(uids) === '2'));
  await using never = await withNews();
  const all = removing(never, 99);
  await assert.rejects(never.runUser('anna'), { code: 'IMAP_SYNC_CHANGED', retryable: true });
  assert.equal(all.kept.length, 9);
  assert.ok(!sent(never).includes('MAILBOX'));
});

test('what was staged for an attempt is not kept or sent again by the next one', async () => {
  await using scene = await withNews();
  const { master } = scene;
  for (let uid = 3; uid <= 300; uid++) master.append(WORK, `news ${uid}`);
  const noted = removing(scene, 0);
  const read = master.readMailbox.bind(master);
  let refusals = 0;
  master.readMailbox = (async (name: string, use: Parameters<MasterStore['readMailbox']>[1]) =>
    await read(name, (mailbox) =>
      use({
        ...mailbox,
        messages: {
          ...mailbox.messages,
          readMessage: async (record, into) => {
            // This message belongs to the second command, which is read when the first is on its way.
            if (name === WORK && record.uid > 280 && refusals++ === 0)
              throw new SyncError('IMAP_SYNC_CHANGED', 'removed', { retryable: true });
            return await mailbox.messages.readMessage(record, into);
          },
        },
      }),
    )) as MasterStore['readMailbox'];
  await scene.runUser('anna');
  const [uids = [], ...more] = noted.kept;
  assert.deepEqual(more, []);
  assert.deepEqual([uids.at(0), uids.at(-1)], [258, 300]);
  assert.deepEqual(sent(scene), ['MESSAGE', 'MESSAGE', 'MAILBOX']);
  scene.assertSame('anna');
});
