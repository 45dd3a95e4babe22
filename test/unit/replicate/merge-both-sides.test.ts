import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type {
  MessageUpload,
  ReplicaMailbox,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { runActions } from '../../../src/replicate/jobs/run-actions.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';

/*
 * Contract of a merge: what comes from the replica is checked before the master gets it, UIDVALIDITY never goes down on
 * either side, and both sides are asked afterwards whether they agree.
 */

const INBOX = 'user.anna';
const CONTENT = Buffer.from('only on the replica');
const GUID = createHash('sha1').update(CONTENT).digest('hex');

/** The master's own server, which says yes to everything that `refuse` does not throw at. */
class MasterServer {
  readonly lines: WireMailbox[] = [];
  readonly uploads: MessageUpload[] = [];
  refuse: (line: WireMailbox) => void = () => {};
  readonly #apply: (line: WireMailbox, records: readonly WireRecord[]) => void;

  constructor(apply: (line: WireMailbox, records: readonly WireRecord[]) => void) {
    this.#apply = apply;
  }

  readonly connect = async (): Promise<{ session: ReplicaSession; stage: Stage }> => {
    const session = {
      window: async () => {},
      applyReserve: async (_partition: string, _folders: unknown, guids: readonly string[]) =>
        new Set(guids.filter((guid) => this.uploads.every((upload) => upload.guid !== guid))),
      applyMessages: async (messages: readonly MessageUpload[]) => void this.uploads.push(...messages),
      applyMailbox: async (line: WireMailbox, records: Iterable<WireRecord>) => {
        this.refuse(line);
        this.lines.push(line);
        this.#apply(line, [...records]);
      },
    } as unknown as ReplicaSession;
    return { session, stage: new Stage(session) };
  };
}

interface Diverged extends AsyncDisposable {
  scene: EngineScene;
  context: EngineContext;
  server: MasterServer;
}

/**
 * anna's INBOX with two messages on both sides, and a third on the replica.
 *
 * @param changes.obeys the master's server does what it says yes to
 */
async function diverged(changes: { obeys: boolean; there?: Partial<ReplicaMailbox> }): Promise<Diverged> {
  const scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', [], { messages: ['one', 'two'] });
  await scene.runUser('anna');
  const server = new MasterServer((line, records) => {
    if (changes.obeys) master.apply(line, records);
  });
  const context = await scene.context({ master: server });
  const [remote] = await context.session.getMailboxes([INBOX]);
  assert.ok(remote);
  const modseq = remote.highestmodseq + 1;
  await context.session.applyMessages([
    { partition: 'default', guid: GUID, size: CONTENT.length, content: CONTENT },
  ]);
  const line = { ...remote, crcBasic: 0, crcAnnotations: undefined, lastUid: 3, highestmodseq: modseq };
  await context.session.applyMailbox(
    { ...line, ...changes.there, since: undefined, intermediate: false, local: false },
    [
      {
        uid: 3,
        modseq,
        lastUpdated: 1_600_000_001,
        flags: [],
        internaldate: 1_600_000_001,
        size: CONTENT.length,
        guid: GUID,
        annotations: [],
      },
    ],
  );
  scene.takeCommands();
  return { scene, context, server, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

test('a message of the replica reaches the master under its UID, and both sides agree afterwards', async () => {
  await using both = await diverged({ obeys: true });
  await runUser(both.context, 'anna');
  assert.deepEqual(
    both.server.uploads.map(({ guid, content }) => [guid, content]),
    [[GUID, CONTENT]],
  );
  both.scene.assertSame('anna');
  assert.equal(both.scene.master.guids(INBOX)[2], GUID);
});

for (const [what, content] of [
  ['another content', Buffer.from('ONLY on the replica')],
  ['a part of it', CONTENT.subarray(0, 9)],
] as const) {
  test(`a message of the replica that is ${what} never reaches the master`, async () => {
    await using both = await diverged({ obeys: true });
    const { session } = both.context;
    session.fetchMessage = async () => content;
    await assert.rejects(runUser(both.context, 'anna'), { code: 'MESSAGE_UNREADABLE', mailbox: INBOX });
    assert.deepEqual([both.server.uploads, both.server.lines], [[], []]);
  });
}

test('a merge that did not bring both sides to agreement is no success', async () => {
  await using both = await diverged({ obeys: false });
  await assert.rejects(runUser(both.context, 'anna'), {
    code: 'IMAP_SYNC_CHANGED',
    mailbox: INBOX,
    retryable: true,
    hint: /reconstruct/,
  });
  assert.ok(both.server.lines.length > 1, 'it is tried again first');
});

test('what the master gets while it is merged is sent as any change is, and the merge is not begun again', async () => {
  await using both = await diverged({ obeys: true });
  const { master } = both.scene;
  const { session } = both.context;
  const ask = session.getMailboxes.bind(session);
  session.getMailboxes = async (names) => {
    if (both.server.lines.length === 1 && master.guids(INBOX).length === 3) master.append(INBOX, 'meanwhile');
    return await ask(names);
  };
  await runUser(both.context, 'anna');
  assert.equal(master.guids(INBOX).length, 4);
  assert.equal(both.server.lines.length, 1);
  assert.equal(both.scene.events.filter(({ kind }) => kind === 'command:fullmailbox').length, 1);
  both.scene.assertSame('anna');
});

test('a master that changes whenever the replica is waited for is written to, and both sides come to agree', async () => {
  await using both = await diverged({ obeys: true });
  const { scene, context, server } = both;
  const { session } = context;
  let changes = 0;
  for (const method of ['getFullMailbox', 'fetchMessage', 'applyReserve', 'applyMailbox'] as const) {
    const ask = (session[method] as (...args: unknown[]) => Promise<unknown>).bind(session);
    session[method] = (async (...args: unknown[]) => {
      const answer = await ask(...args);
      scene.master.flag(INBOX, 1, () => [`Change${changes++}`]);
      return answer;
    }) as never;
  }
  let refused = 0;
  server.refuse = ({ since }) => {
    const { modseq } = since ?? {};
    if (modseq === Math.max(...scene.master.records(INBOX).map((record) => record.modseq))) return;
    refused++;
    throw new SyncError('IMAP_SYNC_CHANGED', 'changed since', { family: 'refused' });
  };
  await runUser(context, 'anna');
  assert.ok(refused > 0, 'it was too late at first');
  assert.equal(server.lines.length, 1);
  await scene.runUser('anna');
  scene.assertSame('anna');
  assert.equal(scene.master.guids(INBOX)[2], GUID);
});

for (const [ahead, changes, expected] of [
  ['replica', 0, ['there']],
  ['master', 3, []],
] as const) {
  test(`a mailbox that is merged has the annotations of the ${ahead}, if that is ahead`, async () => {
    const annotation = { entry: '/comment', userid: '', modseq: 1, value: 'there' };
    await using both = await diverged({ obeys: true, there: { annotations: [annotation] } });
    for (let count = 0; count < changes; count += 1)
      both.scene.master.flag(INBOX, 1, (flags) => [...flags, `Change${count}`]);
    await runUser(both.context, 'anna');
    const [line] = both.server.lines;
    assert.deepEqual(
      line?.annotations.map(({ value }) => value),
      expected,
    );
    both.scene.assertSame('anna');
  });
}

for (const side of ['replica', 'master'] as const) {
  test(`a merge whose checksum the ${side} refuses was overtaken by a change, and starts over`, async () => {
    await using both = await diverged({ obeys: true });
    const { session } = both.context;
    let refusals = 0;
    const refuseOnce = (): void => {
      if (refusals++ === 0) throw new SyncError('IMAP_SYNC_CHECKSUM', 'XCONVMODSEQ', { family: 'refused' });
    };
    if (side === 'master') both.server.refuse = refuseOnce;
    else {
      const apply = session.applyMailbox.bind(session);
      session.applyMailbox = async (line, records) => {
        refuseOnce();
        await apply(line, records);
      };
    }
    await runUser(both.context, 'anna');
    assert.ok(refusals > 1);
    both.scene.assertSame('anna');
    assert.equal(both.scene.master.guids(INBOX)[2], GUID);
  });
}

test('a mailbox that is gone from the replica after its merge is no success', async () => {
  await using both = await diverged({ obeys: true });
  const { session } = both.context;
  const ask = session.getMailboxes.bind(session);
  session.getMailboxes = async (names) => (both.server.lines.length > 0 ? [] : await ask(names));
  await assert.rejects(runUser(both.context, 'anna'), {
    code: 'IMAP_SYNC_CHANGED',
    mailbox: INBOX,
    retryable: true,
  });
});

for (const higher of ['master', 'replica'] as const) {
  test(`UIDVALIDITY is the higher one on both sides after a merge (${higher})`, async () => {
    const there = { uidvalidity: 1_600_000_002 + (higher === 'replica' ? 50 : -50) };
    await using both = await diverged({ obeys: true });
    const { master, replica } = both.scene;
    const here = master.lookup(INBOX)?.uidvalidity ?? 0;
    const { session } = both.context;
    // A server takes none that is lower, so it is the answers that say so.
    const full = session.getFullMailbox.bind(session);
    session.getFullMailbox = async (name, onRecord) => {
      const answer = await full(name, onRecord);
      return both.server.lines.length > 0 ? answer : { ...answer, ...there };
    };
    await runUser(both.context, 'anna');
    const expected = Math.max(here, there.uidvalidity);
    assert.notEqual(here, there.uidvalidity);
    assert.deepEqual(
      [both.server.lines.at(-1)?.uidvalidity, replica.inspect().mailboxes[INBOX]?.uidvalidity],
      [expected, expected],
    );
  });
}

for (const [what, changes, expected] of [
  ['with -O', { noCopyback: true }, { code: 'IMAP_SYNC_CHECKSUM', family: 'refused', hint: /without -O/ }],
  [
    'without a server for it',
    { noMaster: true },
    { code: 'CONFLICT', hint: /nothing was changed on either side.*master = private/ },
  ],
] as const) {
  test(`where the master must not be written to (${what}) nothing is changed on either side`, async () => {
    await using both = await diverged({ obeys: true });
    const { context, scene } = both;
    const options = { ...context.options, noCopyback: 'noCopyback' in changes };
    const master = 'noMaster' in changes ? undefined : context.master;
    await assert.rejects(runUser({ ...context, options, master }, 'anna'), { ...expected, mailbox: INBOX });
    assert.deepEqual([both.server.lines, both.server.uploads], [[], []]);
    assert.deepEqual(scene.takeCommands(), []);
  });
}

test('the merged mailbox has of each counter the higher one, and says what was done to which message', async () => {
  const there = { pop3LastLogin: 1_700_000_000, uidvalidity: 1_690_000_000, options: 'P' };
  await using both = await diverged({ obeys: true, there });
  const { context, server, scene } = both;
  const before = scene.master.view(INBOX)?.state;
  scene.events.length = 0;
  await runUser(context, 'anna');
  const [line] = server.lines;
  assert.ok(line && before);
  assert.equal(line.pop3LastLogin, 1_700_000_000);
  assert.equal(line.uidvalidity, Math.max(before.uidvalidity, 1_690_000_000));
  assert.deepEqual([line.lastUid, line.crcBasic, line.crcAnnotations, line.local], [3, 0, undefined, true]);
  assert.deepEqual(line.since, {
    modseq: before.highestmodseq,
    crcBasic: before.crcBasic,
    crcAnnotations: before.crcAnnotations,
  });
  assert.equal(line.xconvmodseq, 0, 'neither side counts conversations');
  const merged = scene.events.flatMap((event) =>
    event.kind === 'mailbox:merged' ? [[event.name, event.changed]] : [],
  );
  assert.deepEqual(merged, [[INBOX, 'both']]);
  const messages = scene.events.flatMap((event) => (event.kind === 'message:merged' ? [event.rule] : []));
  assert.deepEqual(messages, ['copied-back']);
});

test('a mailbox in which the replica alone counts conversations is told a counter that no change is above', async () => {
  await using both = await diverged({ obeys: true, there: { xconvmodseq: 5 } });
  await runUser(both.context, 'anna');
  const [line] = both.server.lines;
  assert.ok(line);
  assert.ok(line.xconvmodseq >= line.highestmodseq && line.xconvmodseq >= 5, String(line.xconvmodseq));
});

test('a message that is damaged here is left out of a merge, and what the replica has reaches the master', async () => {
  await using both = await diverged({ obeys: true });
  const { master } = both.scene;
  for (const text of ['four', 'five', 'six']) master.append(INBOX, text);
  master.damagedMessages.set(INBOX, new Set([5]));
  await assert.rejects(runUser(both.context, 'anna'), {
    code: 'MESSAGE_UNREADABLE',
    leaves: 'damaged-at-source',
  });
  assert.ok(master.guids(INBOX).includes(GUID));
  const damaged = master.records(INBOX).find(({ uid }) => uid === 5)?.guid;
  const live = (both.scene.replica.inspect().mailboxes[INBOX]?.records ?? []).filter(
    ({ flags }) => !flags.includes('\\Expunged'),
  );
  assert.equal(live.length, 5);
  assert.ok(live.every(({ guid }) => guid !== damaged));
});

test('a change here is sent as it is where the replica is as it was, and nothing is where it has a change of its own', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', [], { messages: ['one', 'two'] });
  await scene.runUser('anna');
  master.flag(INBOX, 1, () => ['\\Seen']);
  await scene.runUser('anna');
  assert.ok(scene.events.every(({ kind }) => kind !== 'mailbox:diverged'));
  const { session } = await scene.context();
  const [remote] = await session.getMailboxes([INBOX]);
  const second = master.records(INBOX)[1];
  assert.ok(remote && second);
  const modseq = remote.highestmodseq + 1;
  const line = { ...remote, highestmodseq: modseq, crcBasic: 0, crcAnnotations: undefined };
  await session.applyMailbox({ ...line, since: undefined, intermediate: false, local: false }, [
    { ...second, modseq, flags: ['\\Flagged'] },
  ]);
  for (const flag of ['\\Answered', '\\Draft']) master.flag(INBOX, 1, (flags) => [...flags, flag]);
  scene.takeCommands();
  await assert.rejects(scene.runUser('anna'), {
    code: 'CONFLICT',
    message: /changed-on-replica.*message 2 /,
  });
  assert.deepEqual(scene.takeCommands(), []);
});

test('a master whose stored checksum is wrong is made to count it by its own server, and is not written to otherwise', async () => {
  await using both = await diverged({ obeys: true });
  const { master } = both.scene;
  const counts: WireMailbox[] = [];
  both.server.refuse = (line) => {
    if (both.server.lines.length === 0) {
      master.skewChecksum(INBOX, 12345);
      return;
    }
    counts.push(line);
    master.countChecksum(INBOX);
  };
  await runUser(both.context, 'anna');
  assert.equal(counts.length, 1);
  const [line] = counts;
  const [there] = await both.context.session.getMailboxes([INBOX]);
  assert.deepEqual([line?.crcBasic, line?.local], [there?.crcBasic, true]);
  both.scene.assertSame('anna');
});

for (const conversations of [true, false]) {
  test(`behind a merge the whole user is looked at ${conversations ? 'once more where conversations are counted' : 'no more'}`, async () => {
    for (const logged of [true, false]) {
      await using both = await diverged({ obeys: true });
      const options = { ...both.context.options, conversations };
      const asked: string[] = [];
      const session = inPlaceOf(both.context.session, {
        getUser: async (userid, onUnusable) => {
          asked.push(userid);
          return await both.context.session.getUser(userid, onUnusable);
        },
      });
      const context = { ...both.context, options, session };
      if (logged) await runActions(context, ['anna'], [{ kind: 'mailboxes', names: [INBOX] }]);
      else await runUser(context, 'anna');
      assert.equal(asked.length, Number(!logged) + Number(conversations));
      both.scene.assertSame('anna');
    }
  });
}

test('a counter of conversations that is alone higher on the replica is told to the master, and nothing is merged', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.conversations = true;
  scene.options = { ...scene.options, conversations: true };
  master.addUser('anna', [], { messages: ['one', 'two'] });
  await scene.runUser('anna');
  const told: number[] = [];
  const server = new MasterServer(({ xconvmodseq }) => void told.push(xconvmodseq));
  const context = await scene.context({ master: server });
  const [remote] = await context.session.getMailboxes([INBOX]);
  assert.ok(remote);
  const xconvmodseq = remote.xconvmodseq + 10;
  await context.session.applyMailbox(
    { ...remote, xconvmodseq, since: undefined, intermediate: false, local: false },
    [],
  );
  await runUser(context, 'anna');
  assert.deepEqual(told, [xconvmodseq]);
  assert.ok(scene.events.every(({ kind }) => kind !== 'mailbox:diverged'));
});

for (const [what, changes, isAsked] of [
  ['nobody could bring both sides together', {}, true],
  ['the master has a server for that', { hasMaster: true }, false],
  ['the replica has to follow (-O)', { noCopyback: true }, false],
  [
    'the replica has to follow, though the master has a server (-O)',
    { hasMaster: true, noCopyback: true },
    false,
  ],
] as const) {
  test(`the replica is ${isAsked ? '' : 'not '}asked for all its records before a change is sent where ${what}`, async () => {
    await using scene = await EngineScene.start();
    const { master } = scene;
    master.addUser('anna', [], { messages: ['one', 'two'] });
    await scene.runUser('anna');
    master.flag(INBOX, 1, () => ['\\Seen']);
    let asked = 0;
    scene.options = { ...scene.options, noCopyback: 'noCopyback' in changes };
    scene.through = (session) =>
      inPlaceOf(session, {
        getFullMailbox: async (name, onRecord) => {
          asked++;
          return await session.getFullMailbox(name, onRecord);
        },
      });
    const server = 'hasMaster' in changes ? new MasterServer(() => undefined) : undefined;
    await runUser(await scene.context({ master: server }), 'anna');
    assert.equal(asked, Number(isAsked));
    assert.deepEqual(scene.replica.inspect().mailboxes[INBOX]?.records[0]?.flags, ['\\Seen']);
    assert.deepEqual(server?.lines ?? [], []);
  });
}

const LAST_MODSEQ = Number.MAX_SAFE_INTEGER;

/** Has all that the replica says of the mailbox after its records were read go through `lie`. */
function lieLater({ context: { session } }: Diverged, lie: Partial<ReplicaMailbox>): void {
  const [full, ask] = [session.getFullMailbox.bind(session), session.getMailboxes.bind(session)];
  let isRead = false;
  session.getFullMailbox = async (name, onRecord) => {
    const answer = await full(name, onRecord);
    isRead = true;
    return answer;
  };
  session.getMailboxes = async (names) => {
    const answer = await ask(names);
    return isRead ? answer.map((mailbox) => ({ ...mailbox, ...lie })) : answer;
  };
  const apply = session.applyMailbox.bind(session);
  session.applyMailbox = async (line, records) => {
    if (lie.crcBasic === undefined || line.since?.crcBasic !== lie.crcBasic) await apply(line, records);
  };
}

test('a counter without a next in an answer between the two sides of a merge never reaches the master', async () => {
  const annotation = { entry: '/comment', userid: '', modseq: 1, value: 'there' };
  await using both = await diverged({ obeys: true, there: { annotations: [annotation] } });
  // The master is ahead, so that the replica's annotations change, which it counts by itself.
  for (let count = 0; count < 3; count++) {
    both.scene.master.flag(INBOX, 1, (flags) => [...flags, `Change${count}`]);
  }
  lieLater(both, { foldermodseq: LAST_MODSEQ });
  await assert.rejects(runUser(both.context, 'anna'), {
    code: 'CONFLICT',
    mailbox: INBOX,
    message: /FOLDERMODSEQ 9007199254740991/,
    hint: /the master was not changed/,
  });
  assert.deepEqual(both.server.lines, []);
});

test('a counter without a next in an answer after a merge never reaches the master', async () => {
  for (const [lie, named] of [
    [{ foldermodseq: LAST_MODSEQ }, /FOLDERMODSEQ/],
    [{ raclmodseq: LAST_MODSEQ }, /RACLMODSEQ/],
  ] as const) {
    await using both = await diverged({ obeys: true });
    const view = both.scene.master.readMailbox.bind(both.scene.master);
    both.scene.master.readMailbox = (name, read) =>
      view(name, (mailbox) => read({ ...mailbox, state: { ...mailbox.state, raclmodseq: 1 } }));
    // Checksums that differ make both sides count theirs anew.
    lieLater(both, { ...lie, crcBasic: 12345 });
    await assert.rejects(runUser(both.context, 'anna'), { code: 'CONFLICT', message: named });
    assert.equal(both.server.lines.length, 1, 'the merge itself');
    assert.ok(both.server.lines.every((line) => line.foldermodseq < 1000 && line.raclmodseq < 1000));
  }
});

for (const [entry, value] of [
  ['/vendor/cmu/cyrus-imapd/createdmodseq', '9007199254740991'],
  ['/vendor/cmu/cyrus-imapd/createdmodseq', '18446744073709551615'],
  ['/vendor/cmu/cyrus-imapd/savedate', '99999999999'],
  ['/vendor/cmu/cyrus-imapd/internaldate.nsec', '1000000000'],
  ['/vendor/cmu/cyrus-imapd/savedate', 'never'],
] as const) {
  test(`a message of the replica whose ${entry} is ${value} never reaches the master`, async () => {
    await using both = await diverged({ obeys: true });
    const { session } = both.context;
    const full = session.getFullMailbox.bind(session);
    session.getFullMailbox = (name, onRecord) =>
      full(name, (record) =>
        onRecord(
          record.uid === 3 ? { ...record, annotations: [{ entry, userid: '', modseq: 1, value }] } : record,
        ),
      );
    await assert.rejects(runUser(both.context, 'anna'), {
      code: 'CONFLICT',
      mailbox: INBOX,
      message: new RegExp(`${entry} of message 3 is ${value}`),
    });
    assert.deepEqual(both.server.lines, []);
  });
}

test('an annotation of the replica that has a MODSEQ without a next never reaches the master', async () => {
  const annotation = { entry: '/comment', userid: '', modseq: LAST_MODSEQ, value: 'there' };
  await using both = await diverged({ obeys: true, there: { annotations: [annotation] } });
  await assert.rejects(runUser(both.context, 'anna'), { code: 'CONFLICT', message: /MODSEQ of \/comment/ });
  assert.deepEqual(both.server.lines, []);
});
