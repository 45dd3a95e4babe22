import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { MessagesThere } from '../../../src/replicate/connection/messages-there.ts';
import { GUIDS_PER_COMMAND } from '../../../src/replicate/connection/reservation.ts';
import { reserveElsewhere } from '../../../src/replicate/connection/reserve-elsewhere.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { IndexRecord } from '../../../src/store/master-store.ts';
import { record } from '../../lab/engine-fakes.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/** Worth asking for. */
const LARGE = 'of everybody '.repeat(8_000);

function commandsOf(scene: EngineScene): string[] {
  return scene.takeCommands().map((text) => text.split(' ', 1)[0] ?? '');
}

/** Over a connection of its own, whose stage is empty. @returns octets of messages that were sent */
async function copy(scene: EngineScene, user: string, there: MessagesThere): Promise<number> {
  scene.events.length = 0;
  await runUser(await scene.context({ there }), user);
  return scene.events.reduce((sum, event) => sum + (event.kind === 'user:progress' ? event.octets : 0), 0);
}

async function twoUsers(): Promise<EngineScene> {
  const scene = await EngineScene.start();
  for (const user of ['anna', 'bert']) scene.master.addUser(user, [], { messages: [`to ${user}`, LARGE] });
  return scene;
}

test("what another user's mailbox is known to hold is linked on the replica rather than sent again", async () => {
  await using scene = await twoUsers();
  const there = new MessagesThere();
  assert.ok((await copy(scene, 'anna', there)) > LARGE.length);
  assert.ok(!commandsOf(scene).includes('RESERVE'));
  assert.equal(await copy(scene, 'bert', there), 'to bert'.length);
  assert.ok(commandsOf(scene).includes('RESERVE'));
  scene.assertSame('anna', 'bert');
});

test('all that is known to be there is linked, from as many mailboxes as hold it', async () => {
  await using scene = await EngineScene.start();
  const [other, third] = [`other ${LARGE}`, `third ${LARGE}`];
  scene.master.addUser('anna', [], { messages: [LARGE, other] });
  scene.master.addUser('carl', [], { messages: [third] });
  scene.master.addUser('bert', [], { messages: [third, LARGE, 'to bert', other] });
  const there = new MessagesThere();
  for (const user of ['anna', 'carl']) await copy(scene, user, there);
  assert.equal(await copy(scene, 'bert', there), 'to bert'.length);
  scene.assertSame('anna', 'bert', 'carl');
});

/** Turns of the event loop in which whoever does not wait sends what is next. */
const TURNS = 20;

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function signal(): { given: Promise<void>; give: () => void } {
  let give: () => void = () => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}

/** Anna and bert at once, each over a connection; anna's mailbox is answered, or refused, when bert has begun. */
async function atOnce(refused: boolean): Promise<{ scene: EngineScene; octets: number; results: string[] }> {
  const scene = await twoUsers();
  const there = new MessagesThere();
  const [forAnna, forBert] = [await scene.context({ there }), await scene.context({ there })];
  const annaSends = signal();
  const bertSends = signal();
  const session = inPlaceOf(forAnna.session, {
    applyMailbox: async (line, records) => {
      // The one that asks for the partition has none.
      if ([...records].length === 0) return await forAnna.session.applyMailbox(line, records);
      annaSends.give();
      await bertSends.given;
      if (refused) throw new SyncError('IMAP_PERMISSION_DENIED', 'not this one', { family: 'refused' });
      return await forAnna.session.applyMailbox(line, records);
    },
  });
  const anna = runUser({ ...forAnna, session }, 'anna');
  await annaSends.given;
  const sessionOfBert = inPlaceOf(forBert.session, {
    applyMessages: async (messages) => {
      await forBert.session.applyMessages(messages);
      void turns(TURNS).then(bertSends.give);
    },
  });
  const results = await Promise.allSettled([anna, runUser({ ...forBert, session: sessionOfBert }, 'bert')]);
  const sent = scene.events.flatMap((event) =>
    event.kind === 'user:progress' && event.user === 'bert' ? [event.octets] : [],
  );
  return {
    scene,
    octets: sent.reduce((sum, each) => sum + each, 0),
    results: results.map(({ status }) => status),
  };
}

test('what another connection is just sending is linked once it is there', async () => {
  const { scene, octets, results } = await atOnce(false);
  await using _ = scene;
  assert.deepEqual(results, ['fulfilled', 'fulfilled']);
  assert.equal(octets, 'to bert'.length);
  scene.assertSame('anna', 'bert');
});

test('what another connection was sending is sent if the mailbox there is refused', async () => {
  const { scene, octets, results } = await atOnce(true);
  await using _ = scene;
  assert.deepEqual(results, ['rejected', 'fulfilled']);
  assert.ok(octets > LARGE.length);
  scene.assertSame('bert');
});

test('a mailbox that is gone from the replica costs a question, and the message is sent', async () => {
  await using scene = await twoUsers();
  const there = new MessagesThere();
  const guid = createHash('sha1').update(LARGE).digest('hex');
  there.note('default', 'user.nobody', [{ guid, size: LARGE.length }]);
  assert.ok((await copy(scene, 'bert', there)) > LARGE.length);
  assert.ok(commandsOf(scene).includes('RESERVE'));
  scene.assertSame('bert');
});

test('what is known is forgotten, the oldest first, and says nothing of another partition', () => {
  const there = new MessagesThere();
  const message = (number: number) => ({ guid: number.toString(16).padStart(40, '0'), size: 100_000 });
  for (let number = 0; number < 40_000; number++) there.note('default', 'user.anna', [message(number)]);
  assert.equal(there.mailboxWith('default', message(0).guid), undefined);
  assert.equal(there.mailboxWith('default', message(39_999).guid), 'user.anna');
  assert.equal(there.mailboxWith('other', message(39_999).guid), undefined);
});

test('small messages are not remembered', () => {
  const there = new MessagesThere();
  const guid = '0'.repeat(40);
  there.note('default', 'user.anna', [{ guid, size: 100 }]);
  assert.equal(there.mailboxWith('default', guid), undefined);
});

test('a replica that refuses to look elsewhere is sent the message; a link that breaks is no such refusal', async () => {
  for (const family of ['refused', 'link'] as const) {
    await using scene = await twoUsers();
    const there = new MessagesThere();
    await copy(scene, 'anna', there);
    scene.through = (session) =>
      inPlaceOf(session, {
        applyReserve: async () => {
          throw new SyncError('IMAP_MAILBOX_NONEXISTENT', 'no', { family });
        },
      });
    if (family === 'link') await assert.rejects(copy(scene, 'bert', there), { family });
    else {
      assert.ok((await copy(scene, 'bert', there)) > LARGE.length);
      scene.assertSame('anna', 'bert');
    }
  }
});

interface Asked {
  mailboxes: readonly string[];
  uids: number[];
}

/** Messages of the replica's mailboxes, by name, are looked for there; it has all but `missing`. @returns questions, and what is staged then */
async function looked(
  places: Record<string, readonly number[]>,
  records: readonly IndexRecord[],
  { staged = [], missing = [] }: { staged?: readonly number[]; missing?: readonly number[] } = {},
): Promise<{ asked: Asked[]; staged: number[] }> {
  const asked: Asked[] = [];
  const guidOf = (uid: number): string => record(uid, 1).guid;
  const there = new MessagesThere({ message: 100, command: 1_000 });
  for (const [name, uids] of Object.entries(places))
    there.note(
      'default',
      name,
      uids.map((uid) => record(uid, 1)),
    );
  const stage = new Stage({} as never);
  stage.add('default', staged.map(guidOf));
  const session = {
    applyReserve: async (_partition: string, mailboxes: readonly string[], guids: readonly string[]) => {
      asked.push({ mailboxes, uids: guids.map((guid) => Number.parseInt(guid, 16)) });
      return new Set(missing.map(guidOf));
    },
  };
  const context = { there, stage, session } as unknown as EngineContext;
  await reserveElsewhere(context, 'default', records);
  const isStaged = ({ guid }: IndexRecord): boolean => stage.find('default', guid) !== undefined;
  return { asked, staged: records.filter(isStaged).map(({ uid }) => uid) };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const recordsOf = (uids: readonly number[]): IndexRecord[] => uids.map((uid) => record(uid, 1));

test('others’ mailboxes are asked for messages that are worth it together, each counted once, and none that is staged', async () => {
  const places = { 'user.bert': upTo(10) };
  const uids = upTo(10);
  assert.deepEqual(await looked(places, recordsOf(uids)), {
    asked: [{ mailboxes: ['user.bert'], uids }],
    staged: uids,
  });
  const nothing = { asked: [], staged: [] };
  assert.deepEqual(await looked(places, recordsOf(upTo(9))), nothing);
  assert.deepEqual(await looked(places, recordsOf([...upTo(9), 9])), nothing);
  assert.deepEqual(await looked({}, recordsOf(uids)), nothing);
  assert.deepEqual(await looked(places, recordsOf(uids), { staged: [4] }), { asked: [], staged: [4] });
});

test('what a mailbox does not hold any more is not taken for staged', async () => {
  const { staged } = await looked({ 'user.bert': upTo(12) }, recordsOf(upTo(12)), { missing: [3, 12] });
  assert.deepEqual(staged, [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('eight mailboxes are looked through at most, those in which the first messages are', async () => {
  const places = Object.fromEntries(upTo(9).map((each) => [`user.u${each}`, [each, each + 10]]));
  const { asked } = await looked(places, recordsOf([...upTo(9), ...upTo(9).map((uid) => uid + 10)]));
  assert.deepEqual(asked, [
    {
      mailboxes: upTo(8).map((each) => `user.u${each}`),
      uids: [...upTo(8), ...upTo(8).map((uid) => uid + 10)],
    },
  ]);
});

test('one command asks for so many messages and no more', async () => {
  const uids = upTo(GUIDS_PER_COMMAND + 5);
  const { asked } = await looked({ 'user.bert': uids }, recordsOf(uids));
  assert.deepEqual(
    asked.map((each) => each.uids.length),
    [GUIDS_PER_COMMAND],
  );
});
