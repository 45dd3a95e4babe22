import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import type {
  MessageAddress,
  MessageUpload,
  ReplicaMailbox,
  ReplicaSession,
  WireMailbox,
  WireRecord,
} from '../../../src/protocol/replica-session.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import type { MailboxTask } from '../../../src/replicate/connection/mailbox-task.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { resolveDiverged } from '../../../src/replicate/merge/resolve-diverged.ts';
import type { DivergedReason, SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { Annotation, IndexRecord, MailboxState } from '../../../src/store/master-store.ts';
import { entry, lockedMailbox, readerOf, record, remoteOf } from '../../lab/engine-fakes.ts';

/*
 * Contract of a merge: the replica is told before the master, each as a step on what it was seen to have; a side that is what
 * it would be told is not written to, and of the master's not even its server is asked; whatever changes in between has it
 * begin again, a few times.
 */

const WORK = entry('user.alice.Work', { partition: 'here' });
const EXPUNGED = { flags: ['\\Expunged'] };
const DETAIL = 'it was';

function message(
  uid: number,
  modseq: number,
  text = `message ${uid}`,
  fields: Partial<IndexRecord> = {},
): IndexRecord {
  const guid = createHash('sha1').update(text).digest('hex');
  return record(uid, modseq, { guid, size: text.length, ...fields });
}

type SideName = 'replica' | 'master';

interface Told {
  side: SideName;
  line: WireMailbox;
  records: readonly WireRecord[];
}

/** One mailbox on a master and a replica that both do what they are told, and keep no checksums. */
class Merging {
  readonly told: Told[] = [];
  readonly uploads: { side: SideName; guid: string }[] = [];
  readonly fetched: MessageAddress[] = [];
  readonly events: SyncEvent[] = [];
  readonly contents = new Map<string, Buffer>();
  readonly damaged = new Set<number>();
  /** UIDs of which the octets were read here, and those whose files were kept open. */
  readonly read: number[] = [];
  readonly kept: { attempt: number; uids: number[] }[] = [];
  connects = 0;
  merged = 0;
  states: MailboxState[] = [];
  options = { noCopyback: false, conversations: true as boolean, local: false, reverseacls: false };
  hasMaster = true;
  isGoneHere = false;
  annotations: Annotation[] = [];
  /** The counter that the replica has once it was told something. */
  foldermodseqAfter: number | undefined;
  /** The replica counts one more of it than it was told. */
  ahead: 'lastUid' | 'highestmodseq' | 'uidvalidity' | undefined;
  /** Is called before a side does what it is told. */
  before: (told: Told) => void = () => {};
  here: IndexRecord[];
  there: WireRecord[];
  stateHere: Partial<MailboxState> = {};
  stateThere: Partial<ReplicaMailbox> = {};

  constructor(here: IndexRecord[], there: WireRecord[]) {
    this.here = here;
    this.there = there;
    const texts = ['message 1', 'message 2', 'message 3', 'message 4', 'other 1', 'other 2'];
    for (const text of texts) {
      const content = Buffer.from(text);
      this.contents.set(createHash('sha1').update(content).digest('hex'), content);
    }
  }

  async run(reason: DivergedReason = 'modseq-higher-on-replica'): Promise<ReplicaMailbox | undefined> {
    return await resolveDiverged(this.#context(), this.#task(), reason, DETAIL);
  }

  /** In order: which side was told, and which records. */
  toldInOrder(): string[] {
    return this.told.map(({ side, records }) => `${side} ${records.map(({ uid }) => uid)}`);
  }

  lineTo(side: SideName): WireMailbox | undefined {
    return this.told.find((each) => each.side === side)?.line;
  }

  changedBy(): string[] {
    return this.events.flatMap((event) => (event.kind === 'mailbox:merged' ? [event.changed] : []));
  }

  attempts(): number {
    return this.events.filter(({ kind }) => kind === 'command:fullmailbox').length;
  }

  remote(): ReplicaMailbox {
    const { lastUid, highestmodseq } = countersOf(this.there);
    const mailbox = lockedMailbox(WORK, [], { lastUid, highestmodseq, crcAnnotations: 0 });
    const remote = remoteOf({ ...WORK, partition: 'there' }, mailbox.state, this.stateThere);
    const { ahead } = this;
    return ahead && this.told.length > 0 ? { ...remote, [ahead]: remote[ahead] + 1 } : remote;
  }

  #locked() {
    const stored = { ...countersOf(this.here), crcAnnotations: 0, deletedmodseq: 0, ...this.stateHere };
    const exists = this.here.filter(({ flags }) => !flags.includes('\\Expunged')).length;
    const mailbox = lockedMailbox(WORK, this.here, { exists, ...stored });
    return {
      ...mailbox,
      annotations: this.annotations,
      messages: {
        keepFiles: (records: readonly IndexRecord[]) => {
          this.kept.push({ attempt: this.attempts(), uids: records.map(({ uid }) => uid) });
          return { [Symbol.dispose]: () => undefined };
        },
        readMessage: async ({ uid, guid }: IndexRecord) => {
          this.read.push(uid);
          if (this.damaged.has(uid)) throw damage(uid, guid);
          return this.contents.get(guid);
        },
      },
    };
  }

  #session(side: SideName): ReplicaSession {
    const own = () => (side === 'replica' ? this.there : this.here);
    return {
      window: async () => {},
      getMailboxes: async () => [this.remote()],
      getFullMailbox: async (_name: string, onRecord: (each: WireRecord) => void) => {
        for (const each of this.there) onRecord(each);
        return this.remote();
      },
      fetchMessage: async (address: MessageAddress) => {
        this.fetched.push(address);
        return this.contents.get(address.guid) ?? Buffer.alloc(0);
      },
      applyReserve: async (_partition: string, _names: unknown, guids: readonly string[]) =>
        new Set(guids.filter((guid) => own().every((each) => each.guid !== guid))),
      applyMessages: async (messages: readonly MessageUpload[]) => {
        for (const { guid } of messages) this.uploads.push({ side, guid });
      },
      applyMailbox: async (line: WireMailbox, records: readonly WireRecord[]) => {
        const told = { side, line, records };
        this.before(told);
        const has = side === 'replica' ? this.remote().highestmodseq : this.#locked().state.highestmodseq;
        if (line.since?.modseq !== has) throw refusal('IMAP_SYNC_CHANGED');
        this.told.push(told);
        this.#apply(told);
      },
    } as unknown as ReplicaSession;
  }

  #apply({ side, line, records }: Told): void {
    const { lastUid, highestmodseq, uidvalidity, xconvmodseq, foldermodseq, annotations } = line;
    const counters = { lastUid, highestmodseq, uidvalidity, xconvmodseq, foldermodseq };
    if (side === 'replica') {
      this.there = together(this.there, records);
      const counted = { foldermodseq: this.foldermodseqAfter ?? foldermodseq };
      this.stateThere = { ...this.stateThere, ...counters, ...counted, annotations };
    } else {
      this.here = together(this.here, records) as IndexRecord[];
      this.stateHere = { ...this.stateHere, ...counters };
      this.annotations = [...annotations];
    }
  }

  #context(): EngineContext {
    const session = this.#session('replica');
    const server = this.#session('master');
    const connect = async () => {
      this.connects++;
      return { session: server, stage: new Stage(server) };
    };
    return {
      store: {
        readMailbox: readerOf(() => (this.isGoneHere ? undefined : this.#locked())),
        estimateMailbox: () => ({ mailboxes: 1, messages: this.here.length }),
      },
      session,
      stage: new Stage(session),
      options: this.options,
      master: this.hasMaster ? { connect } : undefined,
      emit: (event: SyncEvent) => void this.events.push(event),
    } as unknown as EngineContext;
  }

  #task(): MailboxTask {
    return {
      entry: WORK,
      partition: 'there',
      onState: (state: MailboxState) => void this.states.push(state),
      onMerged: () => void this.merged++,
      onLeftOut: () => {},
    } as unknown as MailboxTask;
  }
}

function countersOf(records: readonly WireRecord[]): { lastUid: number; highestmodseq: number } {
  const highestmodseq = Math.max(1, ...records.map(({ modseq }) => modseq));
  return { lastUid: records.at(-1)?.uid ?? 0, highestmodseq };
}

function together<Each extends WireRecord>(
  own: readonly Each[],
  records: readonly WireRecord[],
): (Each | WireRecord)[] {
  const byUid = new Map<number, Each | WireRecord>(own.map((each) => [each.uid, each]));
  for (const each of records) byUid.set(each.uid, { ...byUid.get(each.uid), ...each });
  return [...byUid.values()].sort((a, b) => a.uid - b.uid);
}

function refusal(code: 'IMAP_SYNC_CHANGED' | 'IMAP_SYNC_CHECKSUM'): SyncError {
  return new SyncError(code, 'no', { family: 'refused' });
}

function damage(uid: number, guid: string): SyncError {
  const path = `/spool/${uid}.`;
  return new SyncError('MESSAGE_UNREADABLE', 'missing', {
    mailbox: WORK.name,
    damage: { uid, guid, path, cause: 'missing' },
  });
}

/** The second message is on the replica alone, the third on the master alone, under one UID each. */
function bothChanged(): Merging {
  const first = message(1, 2);
  return new Merging([first, message(2, 8, 'message 3')], [first, message(2, 9, 'message 2')]);
}

test('the replica is told before the master, each as a step on what it was seen to have', async () => {
  const merging = bothChanged();
  assert.equal(await merging.run(), undefined);
  assert.deepEqual(merging.toldInOrder(), ['replica 2,3,4', 'master 2,3,4']);
  const [there, here] = merging.told.map(({ line }) => line);
  assert.deepEqual(
    [there?.since?.modseq, there?.partition, there?.local, here?.since?.modseq, here?.partition, here?.local],
    [9, 'there', false, 8, 'here', true],
  );
  for (const line of [there, here]) {
    assert.deepEqual([line?.lastUid, line?.crcBasic, line?.crcAnnotations], [4, 0, undefined]);
    assert.equal(line?.highestmodseq, merging.remote().highestmodseq);
  }
  assert.deepEqual(merging.changedBy(), ['both']);
  assert.deepEqual([merging.merged, merging.states.length, merging.connects], [1, 1, 1]);
  const live = (records: readonly WireRecord[]) =>
    records.filter(({ flags }) => !flags.includes('\\Expunged')).map(({ uid, guid }) => `${uid} ${guid}`);
  assert.deepEqual(live(merging.here), live(merging.there));
  assert.equal(live(merging.here).length, 3);
});

test('a message is fetched from where the replica has it, and only if it is as long as its record says', async () => {
  const merging = bothChanged();
  await merging.run();
  const { name: mailbox, uniqueid } = WORK;
  const { guid } = message(2, 9, 'message 2');
  assert.deepEqual(merging.fetched, [{ mailbox, partition: 'there', uniqueid, guid, uid: 2 }]);
  const lying = bothChanged();
  lying.there = [message(1, 2), message(2, 9, 'message 2', { size: 8 })];
  await assert.rejects(lying.run(), { code: 'MESSAGE_UNREADABLE', mailbox });
  assert.deepEqual([lying.told, lying.uploads], [[], []]);
});

/** The master's change of the second message is the newer one: the replica alone has to change. */
function newerHere(): Merging {
  const theirs = message(2, 9, 'message 2', { flags: ['\\Flagged'], lastUpdated: 0 });
  return new Merging([message(1, 2), message(2, 20)], [message(1, 2), theirs]);
}

test('a master that is what it would be told is not written to, and its server is not even asked', async () => {
  for (const counters of [{}, { xconvmodseq: 30 }]) {
    for (const hasMaster of [true, false]) {
      const merging = newerHere();
      merging.stateHere = counters;
      merging.stateThere = counters;
      merging.hasMaster = hasMaster;
      await merging.run('changed-on-replica');
      assert.deepEqual([merging.connects, merging.toldInOrder()], [0, ['replica 2']]);
      assert.deepEqual(merging.changedBy(), ['replica']);
    }
  }
});

for (const [what, there] of [
  ['LAST_UID', { lastUid: 7, highestmodseq: 5 }],
  ['HIGHESTMODSEQ', { highestmodseq: 7 }],
  ['UIDVALIDITY', { uidvalidity: 1001 }],
] as const) {
  test(`a ${what} that is alone higher on the replica is told to the master`, async () => {
    const merging = new Merging([message(1, 5)], [message(1, 5)]);
    merging.stateThere = { lastUid: 1, ...there };
    await merging.run();
    assert.deepEqual(merging.toldInOrder(), ['replica ', 'master ']);
    const line = merging.lineTo('master');
    const expected = { lastUid: 1, highestmodseq: 5, uidvalidity: 1000, ...there };
    assert.deepEqual(
      [line?.lastUid, line?.highestmodseq, line?.uidvalidity],
      [expected.lastUid, expected.highestmodseq, expected.uidvalidity],
    );
    assert.deepEqual(merging.changedBy(), ['both']);
  });
}

for (const [here, there, told, isMasterTold] of [
  [0, 0, 0, false],
  [6, 0, 20, false],
  [6, 6, 20, false],
  [0, 30, 30, false],
  [6, 30, 30, true],
] as const) {
  test(`counters of conversations ${here} here and ${there} there become ${told}, which the master is ${isMasterTold ? '' : 'not '}told`, async () => {
    const merging = newerHere();
    merging.stateHere = { xconvmodseq: here };
    merging.stateThere = { xconvmodseq: there };
    await merging.run('changed-on-replica');
    assert.equal(merging.lineTo('replica')?.xconvmodseq, told);
    assert.equal(merging.lineTo('master')?.xconvmodseq, isMasterTold ? told : undefined);
  });
}

test('a counter of conversations that is behind is no reason to fail where the master must not be written to', async () => {
  for (const noCopyback of [true, false]) {
    const merging = newerHere();
    merging.stateHere = { xconvmodseq: 6 };
    merging.stateThere = { xconvmodseq: 30 };
    merging.options.noCopyback = noCopyback;
    merging.hasMaster = noCopyback;
    await merging.run('changed-on-replica');
    assert.deepEqual([merging.connects, merging.toldInOrder()], [0, ['replica 2']]);
  }
});

const NOTE: Annotation = { entry: '/comment', userid: '', modseq: 1, value: 'there' };

for (const [what, there, expected] of [
  ['ahead', 9, ['there']],
  ['not ahead', 8, ['here']],
] as const) {
  test(`a mailbox whose annotations differ has those of the master, unless the replica is ahead: ${what}`, async () => {
    const merging = new Merging([message(1, 8)], [message(1, 8)]);
    merging.annotations = [{ ...NOTE, value: 'here' }];
    merging.stateThere = { highestmodseq: there, annotations: [NOTE], lastUid: 2 };
    await merging.run();
    for (const side of ['replica', 'master'] as const)
      assert.deepEqual(
        merging.lineTo(side)?.annotations.map(({ value }) => value),
        expected,
      );
  });
}

test('what the replica counts for annotations that a merge has given to it, the master is told', async () => {
  for (const [noted, foldermodseq] of [
    [[], 40],
    [[NOTE], 5],
  ] as const) {
    const merging = new Merging([message(1, 8)], [message(1, 8)]);
    merging.annotations = [NOTE];
    merging.stateHere = { foldermodseq: 5 };
    merging.stateThere = { annotations: [...noted], lastUid: 2, foldermodseq: 3 };
    merging.foldermodseqAfter = 40;
    await merging.run();
    assert.deepEqual(
      merging.told.map(({ side, line }) => [side, line.foldermodseq]),
      [
        ['replica', 5],
        ['master', foldermodseq],
      ],
    );
  }
});

test('what was expunged here above what the replica has goes along if its file is there, so that it can be restored', async () => {
  const merging = bothChanged();
  merging.here.push(
    message(3, 10, 'other 1', EXPUNGED),
    message(4, 11, 'other 2', { ...EXPUNGED, unlinked: true }),
  );
  await merging.run();
  const sent = merging.uploads.filter(({ side }) => side === 'replica').map(({ guid }) => guid);
  assert.deepEqual(sent.sort(), [message(3, 1).guid, message(3, 1, 'other 1').guid].sort());
});

test('a mailbox that changes in between has the merge begin again, with the master first and the files of what the replica lacks kept', async () => {
  const merging = bothChanged();
  merging.here.push(message(3, 10, 'other 1', EXPUNGED), message(4, 11, 'message 4'));
  let refusals = 0;
  merging.before = ({ side }) => {
    if (side === 'replica' && refusals++ === 0) throw refusal('IMAP_SYNC_CHANGED');
  };
  await merging.run();
  assert.equal(merging.attempts(), 2);
  assert.deepEqual(
    merging.told.map(({ side }) => side),
    ['master', 'replica'],
  );
  assert.deepEqual(merging.kept, [{ attempt: 2, uids: [2, 4] }], 'live ones that it has not got');
});

test('a merge that annotations make the replica count for has the replica first again, though it was overtaken', async () => {
  const merging = bothChanged();
  merging.annotations = [NOTE];
  let refusals = 0;
  merging.before = ({ side }) => {
    if (side === 'replica' && refusals++ === 0) throw refusal('IMAP_SYNC_CHANGED');
  };
  merging.here.push(message(3, 30, 'other 1'));
  await merging.run();
  assert.deepEqual(
    merging.told.map(({ side }) => side),
    ['replica', 'master'],
  );
});

for (const side of ['replica', 'master'] as const) {
  test(`a mailbox that changes in between every time on the ${side} is given up after four attempts, and may be tried again`, async () => {
    for (const code of ['IMAP_SYNC_CHANGED', 'IMAP_SYNC_CHECKSUM'] as const) {
      const merging = bothChanged();
      merging.before = (told) => {
        if (told.side === side) throw refusal(code);
      };
      await assert.rejects(merging.run(), { code: 'IMAP_SYNC_CHANGED' });
      assert.equal(merging.attempts(), 4);
      assert.equal(merging.merged, 0);
    }
  });
}

for (const counter of ['lastUid', 'highestmodseq', 'uidvalidity'] as const) {
  test(`sides that differ in one counter alone do not agree: ${counter}`, async () => {
    const merging = bothChanged();
    merging.ahead = counter;
    await assert.rejects(merging.run(), { code: 'IMAP_SYNC_CHANGED', mailbox: WORK.name, retryable: true });
    assert.equal(merging.attempts(), 4);
    assert.equal(merging.merged, 0);
  });
}

test('what is refused for another reason is not tried again', async () => {
  const merging = bothChanged();
  merging.before = () => {
    throw new SyncError('IMAP_PERMISSION_DENIED', 'no', { family: 'refused' });
  };
  await assert.rejects(merging.run(), { code: 'IMAP_PERMISSION_DENIED' });
  assert.deepEqual([merging.attempts(), merging.merged], [1, 0]);
});

test('messages are read when they are sent, once; where one is damaged all are read before anything else, and the sound ones sent', async () => {
  const sound = new Merging(
    [message(1, 2), message(2, 10), message(3, 11)],
    [message(1, 9, 'message 1', { flags: ['\\Seen'], lastUpdated: 9 })],
  );
  await sound.run();
  assert.deepEqual(sound.read, [2, 3]);
  const merging = new Merging([...sound.here], [message(1, 99, 'message 1', { lastUpdated: 99 })]);
  merging.damaged.add(2);
  await merging.run();
  assert.equal(merging.attempts(), 2);
  assert.deepEqual(
    merging.there.map(({ uid }) => uid),
    [1, 3],
  );
});

test('of what the master has to give a new UID each message is read before, and no other; one that the replica holds elsewhere is not', async () => {
  const lacking = new Merging([message(1, 2), message(2, 3), message(4, 10)], [message(1, 2), message(3, 9)]);
  await lacking.run();
  assert.deepEqual(lacking.read, [2, 4, 2], 'uid 4 and the second time when they are sent');
  const elsewhere = new Merging(
    [message(1, 2), message(2, 3, 'message 3')],
    [message(1, 2), message(3, 9, 'message 3')],
  );
  elsewhere.damaged.add(2);
  await elsewhere.run();
  assert.deepEqual([elsewhere.read, elsewhere.attempts()], [[], 1]);
  const live = elsewhere.there.filter(({ flags }) => !flags.includes('\\Expunged'));
  assert.deepEqual(
    live.map(({ uid }) => uid),
    [1, 3, 4],
  );
});

test('damage that is met again is not looked for for ever', async () => {
  const merging = new Merging([message(1, 2), message(2, 10)], [message(1, 9)]);
  merging.before = ({ side }) => {
    if (side === 'replica') throw damage(2, message(2, 10).guid);
  };
  await assert.rejects(merging.run(), { code: 'MESSAGE_UNREADABLE' });
  assert.equal(merging.attempts(), 2);
});

test('a replica that lacks what is left out alone is told nothing, and nothing was merged', async () => {
  const merging = new Merging([message(1, 2), message(2, 10)], [message(1, 2)]);
  merging.damaged.add(2);
  merging.stateThere = { lastUid: 2, highestmodseq: 10 };
  assert.equal(await merging.run('crc-differs-at-same-modseq'), undefined);
  assert.deepEqual([merging.told, merging.merged, merging.changedBy()], [[], 0, []]);
  const more = new Merging([message(1, 2), message(2, 10)], [message(1, 2)]);
  more.damaged.add(2);
  more.stateThere = { lastUid: 2, highestmodseq: 10, acl: 'nobody\tlrs\t' };
  await more.run('crc-differs-at-same-modseq');
  assert.deepEqual(more.toldInOrder(), ['replica ']);
  assert.deepEqual([more.merged, more.changedBy()], [1, []], 'nobody had changed it there');
});

test('a replica that had only not heard of what was cleaned up is not told of as changed there, one with a change of its own is', async () => {
  const cleaned = { deletedmodseq: 12, highestmodseq: 12, lastUid: 3 };
  const kept = message(1, 2);
  const merging = new Merging([kept, message(4, 10)], [kept, message(3, 4)]);
  merging.stateHere = { ...cleaned, lastUid: 4 };
  await merging.run('cleaned-up-on-master');
  assert.deepEqual([merging.changedBy(), merging.merged], [[], 1]);
  const changed = new Merging(
    [message(1, 11)],
    [message(1, 9, 'message 1', { flags: ['\\Seen'], lastUpdated: 0 }), message(3, 4)],
  );
  changed.stateHere = cleaned;
  await changed.run('cleaned-up-on-master');
  assert.deepEqual(changed.changedBy(), []);
  const other = new Merging([kept], [kept, message(3, 4)]);
  other.stateHere = cleaned;
  await other.run('crc-differs-below-append');
  assert.deepEqual(other.changedBy(), ['replica']);
  const renumbered = new Merging([kept], [kept, message(3, 13)]);
  renumbered.stateHere = cleaned;
  await renumbered.run('cleaned-up-on-master');
  assert.deepEqual(renumbered.changedBy(), ['both']);
});

test('what is only sent is told of message by message to nobody, whatever else is decided is', async () => {
  const merging = new Merging(
    [message(1, 2), message(2, 20)],
    [message(1, 9, 'message 1', { flags: ['\\Seen'], lastUpdated: 9 })],
  );
  await merging.run();
  const told = merging.events.flatMap((event) =>
    event.kind === 'message:merged' ? [`${event.uid} ${event.rule}`] : [],
  );
  assert.deepEqual(told, ['1 replica-newer']);
});

test('a mailbox that is gone here meanwhile is no failure, and has its user looked at again', async () => {
  const merging = bothChanged();
  merging.isGoneHere = true;
  assert.equal(await merging.run(), undefined);
  assert.deepEqual([merging.told, merging.merged, merging.changedBy()], [[], 1, []]);
});

for (const [reason, hint] of [
  ['checksum-refused', /^the master was not changed, the replica has only taken what is newer here;/],
  ['modseq-higher-on-replica', /^nothing was changed on either side;/],
] as const) {
  test(`where no server may change the master it is said what has become of either side: ${reason}`, async () => {
    const merging = bothChanged();
    merging.hasMaster = false;
    await assert.rejects(merging.run(reason), { code: 'CONFLICT', mailbox: WORK.name, hint });
    assert.deepEqual([merging.told, merging.uploads, merging.merged], [[], [], 0]);
  });
}

test('a counter that is alone higher is raised, with more than that it is merged, and nothing else is taken for a counter', async () => {
  const alone = new Merging([message(1, 5)], [message(1, 5)]);
  alone.stateHere = { xconvmodseq: 5 };
  alone.stateThere = { xconvmodseq: 9 };
  await alone.run('xconvmodseq-higher-on-replica');
  assert.deepEqual([alone.toldInOrder(), alone.events], [['master '], []]);
  const more = bothChanged();
  await more.run('xconvmodseq-higher-on-replica');
  assert.deepEqual(more.toldInOrder(), ['replica 2,3,4', 'master 2,3,4']);
  const other = new Merging([message(1, 5)], [message(1, 5)]);
  await other.run('checksum-refused');
  assert.deepEqual(other.toldInOrder(), ['replica '], 'so that it counts again');
  assert.deepEqual(other.events[0], {
    kind: 'mailbox:diverged',
    name: WORK.name,
    reason: 'checksum-refused',
    detail: DETAIL,
  });
});
