import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { WireRecord } from '../../../src/protocol/replica-session.ts';
import { type Merge, mergeRecords } from '../../../src/replicate/merge/merge-records.ts';

/** A mailbox as a server keeps it, with the checks that the real one makes (protocol 12, step 8). */
class Side {
  records = new Map<number, WireRecord>();
  lastUid = 0;
  highestmodseq = 1;
  deletedmodseq = 0;
  #time = 1000;

  /** @param ahead seconds by which the clock of the copy is ahead of this one's */
  clone(ahead = 0): Side {
    const copy = new Side();
    Object.assign(copy, { ...this, records: new Map(this.records) });
    copy.#time = this.#time + ahead;
    return copy;
  }

  snapshot() {
    const { lastUid, highestmodseq, deletedmodseq } = this;
    const records = [...this.records.values()].sort((a, b) => a.uid - b.uid);
    return { lastUid, highestmodseq, deletedmodseq, records };
  }

  live(): WireRecord[] {
    return this.snapshot().records.filter((one) => !one.flags.includes('\\Expunged'));
  }

  append(guid: string): void {
    this.#write({
      uid: ++this.lastUid,
      modseq: 0,
      lastUpdated: 0,
      flags: [],
      internaldate: 500,
      size: 10,
      guid,
      annotations: [created(this.highestmodseq + 1)],
    });
  }

  flag(nth: number, flag: string): void {
    const one = this.#nth(nth);
    if (one && !one.flags.includes(flag)) this.#write({ ...one, flags: [...one.flags, flag] });
  }

  expunge(nth: number): void {
    const one = this.#nth(nth);
    if (one) this.#write({ ...one, flags: [...one.flags, '\\Expunged'] });
  }

  cleanUp(): void {
    for (const one of this.records.values()) {
      if (!one.flags.includes('\\Expunged')) continue;
      this.records.delete(one.uid);
      this.deletedmodseq = Math.max(this.deletedmodseq, one.modseq);
    }
  }

  receive(records: readonly WireRecord[], merge: Merge, staged: ReadonlySet<string>): void {
    let before = 0;
    for (const one of records) {
      assert.ok(one.uid > before, 'ascending');
      before = one.uid;
      const gone = one.flags.includes('\\Expunged');
      const mine = this.records.get(one.uid);
      if (mine) {
        const mineGone = mine.flags.includes('\\Expunged');
        if (gone && mineGone) continue;
        assert.equal(one.guid, mine.guid, 'GUID differs');
        assert.ok(one.modseq >= mine.modseq, 'modseq goes down');
        assert.ok(gone || !mineGone, 'an expunged record comes back');
      } else if (one.uid <= this.lastUid) {
        assert.ok(gone, 'a live message appears below LAST_UID');
        continue;
      } else if (!gone) {
        assert.ok(staged.has(one.guid), 'a message that was never staged');
      }
      this.records.set(one.uid, one);
    }
    assert.ok(merge.lastUid >= this.lastUid && merge.highestmodseq >= this.highestmodseq);
    this.lastUid = merge.lastUid;
    this.highestmodseq = merge.highestmodseq;
  }

  #nth(nth: number): WireRecord | undefined {
    const live = this.live();
    return live[nth % Math.max(1, live.length)];
  }

  #write(one: WireRecord): void {
    this.records.set(one.uid, { ...one, modseq: ++this.highestmodseq, lastUpdated: ++this.#time });
  }
}

function created(modseq: number): WireRecord['annotations'][number] {
  return { entry: '/vendor/cmu/cyrus-imapd/createdmodseq', userid: '', modseq: 0, value: String(modseq) };
}

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('append' as const), n: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flag' as const), n: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('expunge' as const), n: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clean' as const), n: fc.constant(0) }) },
);
type Operation = { kind: 'append' | 'flag' | 'expunge' | 'clean'; n: number };

function run(side: Side, operations: readonly Operation[], who: string): void {
  operations.forEach(({ kind, n }, step) => {
    if (kind === 'append') side.append(`${n}${who}${step}`);
    else if (kind === 'flag') side.flag(n, who === 'm' ? '\\Flagged' : '\\Answered');
    else if (kind === 'expunge') side.expunge(n);
    else side.cleanUp();
  });
}

const history = fc.record({
  ahead: fc.integer({ min: -4, max: 4 }),
  common: fc.array(operation, { maxLength: 6 }),
  master: fc.array(operation, { maxLength: 7 }),
  replica: fc.array(operation, { maxLength: 7 }),
});

interface History {
  ahead?: number;
  common: Operation[];
  master: Operation[];
  replica: Operation[];
}

function diverge(of: History): [Side, Side] {
  const master = new Side();
  run(master, of.common, 'c');
  const replica = master.clone(of.ahead);
  replica.deletedmodseq = 0;
  run(master, of.master, 'm');
  run(replica, of.replica, 'r');
  return [master, replica];
}

/** Messages whose octets a side has: those of an expunged one may be gone. */
const files = (side: Side): Set<string> => new Set(side.live().map((one) => one.guid));
const comparable = (side: Side) =>
  side.live().map(({ uid, guid, modseq, flags }) => ({ uid, guid, modseq, flags: flags.toSorted() }));
const merge = (master: Side, replica: Side): Merge => mergeRecords(master.snapshot(), replica.snapshot());

/** Messages that each side has staged by the time of its MAILBOX: its own, and what the merge says that it needs. */
function stages(result: Merge, master: Side, replica: Side): [Set<string>, Set<string>] {
  const [masterFiles, replicaFiles] = [files(master), files(replica)];
  for (const one of result.masterNeeds) assert.ok(replicaFiles.has(one.guid), 'the replica has it');
  for (const one of result.replicaNeeds) assert.ok(masterFiles.has(one.guid), 'the master has it');
  const needed = (needs: Merge['masterNeeds']): string[] => needs.map((one) => one.guid);
  return [
    new Set([...masterFiles, ...needed(result.masterNeeds)]),
    new Set([...replicaFiles, ...needed(result.replicaNeeds)]),
  ];
}

function agree(master: Side, replica: Side): Merge {
  const result = merge(master, replica);
  const [masterStage, replicaStage] = stages(result, master, replica);
  master.receive(result.toMaster, result, masterStage);
  replica.receive(result.toReplica, result, replicaStage);
  return result;
}

test('both servers accept the merge and end equal, and merging again changes nothing', () => {
  fc.assert(
    fc.property(history, (of) => {
      const [master, replica] = diverge(of);
      agree(master, replica);
      assert.deepEqual(comparable(replica), comparable(master));
      const again = merge(master, replica);
      assert.deepEqual([again.toMaster, again.toReplica], [[], []]);
    }),
    { numRuns: 2000 },
  );
});

test('what only the master has changed since goes over as it is, and the master is not written to', () => {
  fc.assert(
    fc.property(history, ({ common, master: operations }) => {
      const [master, replica] = diverge({ common, master: operations, replica: [] });
      const before = master.snapshot();
      const result = agree(master, replica);
      assert.deepEqual(result.toMaster, []);
      assert.deepEqual(master.snapshot(), before);
      assert.deepEqual(comparable(replica), comparable(master));
    }),
    { numRuns: 2000 },
  );
});

test('no live message of either side disappears unless the other side expunged or cleaned it up', () => {
  fc.assert(
    fc.property(history, (of) => {
      const [master, replica] = diverge(of);
      const [before, beforeThere] = [master.live(), replica.live()];
      const [mine, theirs] = [master.clone(), replica.clone()];
      agree(master, replica);
      const after = new Set(master.live().map((one) => one.guid));
      for (const one of before) {
        const other = theirs.records.get(one.uid);
        const expungedThere = other?.guid === one.guid && other.flags.includes('\\Expunged');
        assert.ok(expungedThere || after.has(one.guid), `message ${one.uid} of the master is lost`);
      }
      for (const one of beforeThere) {
        const other = mine.records.get(one.uid);
        const expungedHere = other?.guid === one.guid && other.flags.includes('\\Expunged');
        const cleanedHere = one.modseq < mine.deletedmodseq;
        assert.ok(
          expungedHere || cleanedHere || after.has(one.guid),
          `message ${one.uid} of the replica is lost`,
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test('a merge that reached one side only is completed without a second copy of any message', () => {
  fc.assert(
    fc.property(history, fc.boolean(), (of, replicaFirst) => {
      const [master, replica] = diverge(of);
      const [wholeMaster, wholeReplica] = [master.clone(), replica.clone()];
      agree(wholeMaster, wholeReplica);

      const cut = merge(master, replica);
      const [masterStage, replicaStage] = stages(cut, master, replica);
      if (replicaFirst) replica.receive(cut.toReplica, cut, replicaStage);
      else master.receive(cut.toMaster, cut, masterStage);
      agree(master, replica);
      assert.deepEqual(comparable(replica), comparable(master));
      const sorted = (side: Side): string[] =>
        side
          .live()
          .map((one) => one.guid)
          .sort();
      assert.deepEqual(sorted(master), sorted(wholeMaster));
    }),
    { numRuns: 2000 },
  );
});

test('whatever either side was given after a merge that reached one side only, no message is there twice', () => {
  fc.assert(
    fc.property(
      history,
      fc.boolean(),
      fc.array(operation, { maxLength: 4 }),
      fc.array(operation, { maxLength: 2 }),
      (of, replicaFirst, later, laterThere) => {
        const [master, replica] = diverge(of);
        const cut = merge(master, replica);
        const [masterStage, replicaStage] = stages(cut, master, replica);
        if (replicaFirst) replica.receive(cut.toReplica, cut, replicaStage);
        else master.receive(cut.toMaster, cut, masterStage);
        run(master, later, 'x');
        run(replica, laterThere, 'y');
        agree(master, replica);
        assert.deepEqual(comparable(replica), comparable(master));
        const guids = master.live().map((one) => one.guid);
        assert.deepEqual(guids, [...new Set(guids)]);
      },
    ),
    { numRuns: 2000 },
  );
});

/** The master has two messages that are alike in everything but their UID, the replica others under these. */
function twoAlike(): { master: Side; replica: Side; alike: WireRecord } {
  const [master, replica] = [new Side(), new Side()];
  master.append('alike');
  const [alike] = master.live();
  assert.ok(alike);
  master.records.set(2, { ...alike, uid: 2 });
  master.lastUid = 2;
  for (const guid of ['other', 'another']) replica.append(guid);
  return { master, replica, alike };
}

function assertAllKept(master: Side, replica: Side): void {
  agree(master, replica);
  const guids = master.live().map((one) => one.guid);
  assert.deepEqual(guids.sort(), ['alike', 'alike', 'another', 'other']);
}

test('of two messages that are alike in everything but their UID, both are kept', () => {
  const { master, replica } = twoAlike();
  assertAllKept(master, replica);
});

test('of two messages that are alike in everything but their UID, both are kept where a merge that was cut short has brought one over', () => {
  const { master, replica, alike } = twoAlike();
  replica.records.set(3, { ...alike, uid: 3 });
  replica.lastUid = 3;
  assertAllKept(master, replica);
});

const isGone = (one: WireRecord): boolean => one.flags.includes('\\Expunged');

test('of a message changed on both sides the newer change wins, an expunge always, and what never changes stays', () => {
  const won = { master: 0, replica: 0, expunge: 0 };
  fc.assert(
    fc.property(history, (of) => {
      const [master, replica] = diverge(of);
      const [mine, theirs] = [master.clone(), replica.clone()];
      agree(master, replica);
      for (const ours of mine.records.values()) {
        const other = theirs.records.get(ours.uid);
        if (other?.guid !== ours.guid) continue;
        const ends = [master, replica].map((side) => side.records.get(ours.uid));
        if (isGone(ours) || isGone(other)) {
          won.expunge++;
          assert.ok(ends.every((one) => one !== undefined && isGone(one)));
          continue;
        }
        if (ours.modseq === other.modseq && ours.lastUpdated === other.lastUpdated) continue;
        // The master's change is one that the replica cannot have seen, or the replica's is newer by both measures.
        const isForward = ours.modseq > theirs.highestmodseq;
        const isNewerThere = other.modseq > ours.modseq && other.lastUpdated >= ours.lastUpdated;
        const winner = !isForward && isNewerThere ? 'replica' : 'master';
        won[winner]++;
        const { flags, lastUpdated } = winner === 'replica' ? other : ours;
        for (const end of ends) {
          assert.deepEqual({ flags: end?.flags, lastUpdated: end?.lastUpdated }, { flags, lastUpdated });
          assert.deepEqual(end?.annotations, ours.annotations);
          assert.equal(end?.internaldate, ours.internaldate);
        }
      }
    }),
    { numRuns: 2000 },
  );
  // The property is about all of them, so all must have come up.
  for (const [who, times] of Object.entries(won)) assert.ok(times > 20, `${who} won ${times} times`);
});

function message(uid: number, guid: string, fields: Partial<WireRecord> = {}): WireRecord {
  const times = { lastUpdated: 1000, internaldate: 500 };
  return {
    uid,
    modseq: uid + 1,
    ...times,
    flags: [],
    size: 10,
    guid,
    annotations: [created(uid + 1)],
    ...fields,
  };
}

test('what the replica has changed last brings its flags and annotations, but not what belongs to the message', () => {
  const value = (entry: string, text: string, userid = ''): WireRecord['annotations'][number] => ({
    entry,
    userid,
    modseq: 0,
    value: text,
  });
  const virtual = (name: string, text: string) => value(`/vendor/cmu/cyrus-imapd/${name}`, text);
  const ours = message(1, 'a', {
    flags: ['\\Flagged'],
    annotations: [value('/comment', 'here'), virtual('thrid', '1'), virtual('savedate', '2'), created(2)],
  });
  const theirs = message(1, 'a', {
    modseq: 9,
    lastUpdated: 1001,
    internaldate: 999,
    flags: ['\\Seen'],
    annotations: [
      value('/altsubject', 'there'),
      value('/comment', 'mine', 'anna'),
      virtual('thrid', '7'),
      virtual('savedate', '8'),
      created(9),
    ],
  });
  const side = { lastUid: 1, deletedmodseq: 0 };
  const merged = mergeRecords(
    { ...side, highestmodseq: 5, records: [ours] },
    { ...side, highestmodseq: 9, records: [theirs] },
  );
  const expected = {
    ...ours,
    modseq: 10,
    lastUpdated: 1001,
    flags: ['\\Seen'],
    annotations: [
      value('/altsubject', 'there'),
      value('/comment', 'mine', 'anna'),
      virtual('thrid', '7'),
      virtual('savedate', '2'),
      created(2),
    ],
  };
  assert.deepEqual([merged.toMaster, merged.toReplica], [[expected], [expected]]);
});

test('a replica that never had a message gets all as they are, whatever its modseq, and the master is not written to', () => {
  const ours = [0, 1, 7].map((modseq, i) => message(i + 1, `${i}`, { modseq }));
  ours.push(message(4, 'gone', { modseq: 0, flags: ['\\Expunged'] }));
  for (const highestmodseq of [0, 1, 7]) {
    const merged = mergeRecords(
      { lastUid: 4, highestmodseq: 7, deletedmodseq: 3, records: ours },
      { lastUid: 0, highestmodseq, records: [] },
    );
    assert.deepEqual(merged.toReplica, ours);
    assert.deepEqual(merged.toMaster, []);
    assert.deepEqual([merged.lastUid, merged.highestmodseq], [4, 7]);
    assert.deepEqual(new Set(merged.decided.map(({ rule }) => rule)), new Set(['sent']));
  }
});

for (const [ours, theirs, order] of [
  ['b', 'a', ['a', 'b']],
  ['a', 'b', ['a', 'b']],
] as const) {
  test(`two messages under one UID get the next ones in the order of their GUIDs (${ours} here)`, () => {
    const side = { lastUid: 1, highestmodseq: 2, deletedmodseq: 0 };
    const merged = mergeRecords(
      { ...side, records: [message(1, ours)] },
      { ...side, records: [message(1, theirs)] },
    );
    const above = merged.toMaster.filter(({ uid }) => uid > 1);
    assert.deepEqual(
      above.map(({ uid, guid }) => [uid, guid]),
      [
        [2, order[0]],
        [3, order[1]],
      ],
    );
    assert.deepEqual(
      [merged.masterNeeds.map(({ guid }) => guid), merged.replicaNeeds.map(({ guid }) => guid)],
      [[theirs], [ours]],
    );
  });
}

test('annotations that a merge takes from both sides are in the order that servers have them in', () => {
  const virtual = (name: string) => ({ ...created(3), entry: `/vendor/cmu/cyrus-imapd/${name}` });
  const noted = (entry: string, userid: string, value: string) => ({ entry, userid, modseq: 1, value });
  const base = { uid: 1, internaldate: 1, size: 1, guid: 'a', flags: [] };
  const ours = { ...base, modseq: 2, lastUpdated: 1, annotations: [virtual('savedate'), created(3)] };
  const stored = [
    noted('/comment', '', 'one'),
    noted('/comment', '', 'two'),
    noted('/comment', 'anna', 'one'),
    noted('/color', 'bob', 'zero'),
  ];
  const annotations = [virtual('thrid'), ...stored];
  const theirs = { ...base, modseq: 5, lastUpdated: 2, annotations };
  const side = { lastUid: 1, highestmodseq: 5, deletedmodseq: 0 };
  const { toMaster } = mergeRecords({ ...side, records: [ours] }, { ...side, records: [theirs] });
  const order = toMaster[0]?.annotations.map(({ entry, userid, value }) => `${entry} ${userid} ${value}`);
  assert.deepEqual(order, [
    '/color bob zero',
    '/comment  one',
    '/comment  two',
    '/comment anna one',
    '/vendor/cmu/cyrus-imapd/thrid  3',
    '/vendor/cmu/cyrus-imapd/savedate  3',
    '/vendor/cmu/cyrus-imapd/createdmodseq  3',
  ]);
});

test('what was cleaned up here is expunged there, is told of, and needs no modseq beyond that of a master that is ahead', () => {
  const theirs = message(2, 'gone');
  for (const [here, there, modseq, highestmodseq] of [
    [20, 9, 20, 20],
    [9, 9, 10, 10],
    [9, 20, 21, 21],
  ] as const) {
    const merged = mergeRecords(
      { lastUid: 2, highestmodseq: here, deletedmodseq: 9, records: [] },
      { lastUid: 2, highestmodseq: there, records: [theirs] },
    );
    assert.deepEqual(merged.toReplica, [{ ...theirs, modseq, flags: ['\\Expunged'] }]);
    assert.deepEqual(merged.toMaster, []);
    assert.equal(merged.highestmodseq, highestmodseq);
    assert.deepEqual(merged.decided, [
      { uid: 2, rule: 'replica-expunged', masterGuid: undefined, replicaGuid: 'gone' },
    ]);
  }
});

test('of messages that are alike, as many as each side has are there once, in whatever order the sides have them', () => {
  const alike = (uid: number) => message(uid, 'x', { annotations: [created(2)] });
  const side = { lastUid: 4, highestmodseq: 9, deletedmodseq: 0 };
  for (const isSwapped of [false, true]) {
    const one = [alike(1), message(2, 'b'), message(3, 'c'), alike(4)];
    const other = [message(1, 'a'), alike(2), alike(3), message(4, 'd')];
    const [ours, theirs] = isSwapped ? [other, one] : [one, other];
    const merged = mergeRecords({ ...side, records: ours }, { ...side, records: theirs });
    for (const told of [merged.toMaster, merged.toReplica]) {
      const given = told.filter(({ uid }) => uid > 4).map(({ guid }) => guid);
      assert.deepEqual(given.sort(), ['a', 'b', 'c', 'd', 'x', 'x']);
    }
  }
});
