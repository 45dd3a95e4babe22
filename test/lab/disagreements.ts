import { BASE, bodyWithGuidAbove, messageOf, type Sides } from './two-sides.ts';

/**
 * One way in which both sides of a mailbox can disagree. Rows are those of the decision table (algorithm of Cyrus's own
 * client): what each UID becomes when master and replica hold different things under it.
 */
export interface Disagreement {
  row: string;
  what: string;
  provoke(sides: Sides, user: string): Promise<void>;
  /** A second later than all `provoke`: Cyrus dates changes to the second. */
  provokeLater?(sides: Sides, user: string): Promise<void>;
  /** `UID subject flags` afterwards, on both sides. */
  expected: string[];
  uidNext: number;
  /** When nobody may change the master: whether a plain delta does it. Otherwise the replica is left as it is. */
  withoutMaster?: 'converges';
  comments?: Record<string, string>;
  /** The mailbox's own shared comment. */
  mailboxComment?: string;
  /** Lines that the log must have, `MAILBOX` standing for the internal name. */
  logs?: RegExp[];
}

const inbox = (user: string): string => `user/${user}`;
const [one = '', two = '', three = ''] = BASE.map((subject, index) => `${index + 1} ${subject}`);

/** Same subject and UID on both sides, different content. */
async function bothAppend({ master, replica }: Sides, user: string): Promise<void> {
  await master.append(inbox(user), 'master-4');
  await replica.append(inbox(user), 'replica-4');
}

export const DISAGREEMENTS: readonly Disagreement[] = [
  {
    row: '1',
    what: 'expunged on both sides stays expunged',
    async provoke({ master, replica }, user) {
      await master.expunge(inbox(user), 2);
      await replica.expunge(inbox(user), 2);
      await replica.append(inbox(user), 'replica-4');
    },
    expected: [one, three, '4 replica-4'],
    uidNext: 5,
  },
  {
    row: '2',
    what: 'what is alike is left as it is',
    async provoke({ replica }, user) {
      await replica.append(inbox(user), 'replica-4');
    },
    expected: [one, two, three, '4 replica-4'],
    uidNext: 5,
  },
  {
    row: '3',
    what: 'a flag set on the replica alone is copied back',
    async provoke({ replica }, user) {
      await replica.flag(inbox(user), 2, '\\Flagged', 'ofreplica');
    },
    expected: [one, `${two} \\Flagged ofreplica`, three],
    uidNext: 4,
    logs: [/SYNCNOTICE: record mismatch with replica: MAILBOX more recent on replica/],
  },
  {
    row: '3',
    what: 'flags set on both sides: the later and higher change, on the replica, wins',
    async provoke({ master }, user) {
      await master.flag(inbox(user), 2, 'ofmaster');
    },
    async provokeLater({ replica }, user) {
      await replica.flag(inbox(user), 2, 'ofreplica', '\\Answered');
    },
    expected: [one, `${two} \\Answered ofreplica`, three],
    uidNext: 4,
    logs: [/SYNCNOTICE: record mismatch with replica: MAILBOX more recent on replica/],
  },
  {
    row: '4',
    what: 'flags set on both sides at the same modseq: the master wins',
    async provoke({ replica }, user) {
      await replica.flag(inbox(user), 2, 'ofreplica');
    },
    async provokeLater({ master }, user) {
      await master.flag(inbox(user), 2, 'ofmaster');
    },
    expected: [one, `${two} ofmaster`, three],
    uidNext: 4,
  },
  {
    row: '4',
    what: 'flags set on both sides: a higher modseq on the replica loses to a later date on the master',
    async provoke({ replica }, user) {
      await replica.flag(inbox(user), 2, 'ofreplica', '\\Answered', '\\Flagged');
    },
    async provokeLater({ master }, user) {
      await master.flag(inbox(user), 2, 'ofmaster');
    },
    expected: [one, `${two} ofmaster`, three],
    uidNext: 4,
    logs: [/SYNCNOTICE: record mismatch with replica: MAILBOX more recent on master/],
  },
  {
    row: '5',
    what: 'expunged on the master, changed on the replica at a higher modseq: expunged',
    async provoke({ master, replica }, user) {
      await master.expunge(inbox(user), 2);
      await replica.flag(inbox(user), 2, 'one', 'two', 'three', 'four');
    },
    expected: [one, three],
    uidNext: 4,
  },
  {
    row: '5',
    what: 'expunged on the master at a higher modseq than its change on the replica: expunged',
    async provoke({ master, replica }, user) {
      await replica.flag(inbox(user), 2, 'one');
      await master.flag(inbox(user), 1, '\\Flagged', 'other', 'another');
      await master.expunge(inbox(user), 2);
    },
    expected: [`${one} \\Flagged another other`, three],
    withoutMaster: 'converges',
    uidNext: 4,
  },
  {
    row: '6',
    what: 'expunged on the replica alone: expunged on the master too',
    async provoke({ replica }, user) {
      await replica.expunge(inbox(user), 2);
    },
    expected: [one, three],
    uidNext: 4,
  },
  {
    row: '6',
    what: 'expunged on the replica, changed on the master at a higher modseq: expunged',
    async provoke({ master, replica }, user) {
      await replica.expunge(inbox(user), 2);
      await master.flag(inbox(user), 2, 'one', 'two', 'three', 'four');
    },
    expected: [one, three],
    uidNext: 4,
  },
  {
    row: '7',
    what: "two messages under one UID, the master's GUID higher: the replica's comes first",
    async provoke({ master, replica }, user) {
      await replica.append(inbox(user), 'replica-4');
      await master.append(inbox(user), 'master-4', bodyWithGuidAbove('master-4', messageOf('replica-4')));
    },
    expected: [one, two, three, '5 replica-4', '6 master-4'],
    uidNext: 7,
    logs: [/SYNCERROR: guid mismatch: mailbox=<MAILBOX> uid=<4> rguid=<[0-9a-f]{40}> mguid=<[0-9a-f]{40}>/],
  },
  {
    row: '7',
    what: "two messages under one UID, the replica's GUID higher: the master's comes first",
    async provoke({ master, replica }, user) {
      await master.append(inbox(user), 'master-4');
      await replica.append(inbox(user), 'replica-4', bodyWithGuidAbove('replica-4', messageOf('master-4')));
    },
    expected: [one, two, three, '5 master-4', '6 replica-4'],
    uidNext: 7,
    logs: [/SYNCERROR: guid mismatch: mailbox=<MAILBOX> uid=<4>/],
  },
  {
    row: '7a',
    what: "two messages under one UID, the replica's older than the master's last clean-up: dropped",
    async provoke({ master, replica }, user) {
      await replica.append(inbox(user), 'replica-4');
      await master.append(inbox(user), 'master-4');
      await master.expunge(inbox(user), 1);
      await master.cleanUp(user);
    },
    expected: [two, three, '5 master-4'],
    uidNext: 6,
  },
  {
    row: '8',
    what: "two messages under one UID, the master's expunged: the replica's gets a new UID",
    async provoke(sides, user) {
      await bothAppend(sides, user);
      await sides.master.expunge(inbox(user), 4);
    },
    expected: [one, two, three, '5 replica-4'],
    uidNext: 6,
  },
  {
    row: '8a',
    what: "the same, the replica's older than the master's last clean-up: expunged",
    async provoke(sides, user) {
      await bothAppend(sides, user);
      await sides.master.expunge(inbox(user), 1);
      await sides.master.cleanUp(user);
      await sides.master.expunge(inbox(user), 4);
    },
    expected: [two, three],
    withoutMaster: 'converges',
    uidNext: 5,
  },
  {
    row: '9',
    what: "two messages under one UID, the replica's expunged: the master's gets a new UID",
    async provoke(sides, user) {
      await bothAppend(sides, user);
      await sides.replica.expunge(inbox(user), 4);
    },
    expected: [one, two, three, '5 master-4'],
    uidNext: 6,
  },
  {
    row: '8 or 9',
    what: 'two messages under one UID, both expunged: neither comes back',
    async provoke(sides, user) {
      await bothAppend(sides, user);
      await sides.master.expunge(inbox(user), 4);
      await sides.replica.expunge(inbox(user), 4);
      await sides.replica.append(inbox(user), 'replica-5');
    },
    expected: [one, two, three, '5 replica-5'],
    uidNext: 6,
  },
  {
    row: '10',
    what: 'cleaned up on the replica, live on the master: comes back under a new UID',
    async provoke({ replica }, user) {
      await replica.expunge(inbox(user), 2);
      await replica.cleanUp(user);
    },
    expected: [one, three, '4 base-2'],
    uidNext: 5,
    logs: [/SYNCNOTICE: record only exists on master: mailbox=<MAILBOX> uid=<2>/],
  },
  {
    row: '10',
    what: 'a UID that the replica gave to a message since cleaned up: the message of the master gets a new one',
    async provoke({ master, replica }, user) {
      await replica.append(inbox(user), 'replica-4');
      await replica.expunge(inbox(user), 4);
      await replica.cleanUp(user);
      await master.append(inbox(user), 'master-4');
    },
    expected: [one, two, three, '5 master-4'],
    uidNext: 6,
  },
  {
    row: '11',
    what: 'new on the master beside a change on the replica: keeps its UID',
    async provoke({ master, replica }, user) {
      await replica.flag(inbox(user), 1, 'ofreplica');
      await master.flag(inbox(user), 2, 'one', 'two');
      await master.append(inbox(user), 'master-4');
    },
    expected: [`${one} ofreplica`, `${two} one two`, three, '4 master-4'],
    uidNext: 5,
  },
  {
    row: '12',
    what: 'new on the master at a modseq that the replica has passed: keeps its UID',
    async provoke({ master, replica }, user) {
      await master.append(inbox(user), 'master-4');
      await replica.flag(inbox(user), 1, 'a', 'b', 'c');
    },
    expected: [`${one} a b c`, two, three, '4 master-4'],
    uidNext: 5,
    logs: [/SYNCNOTICE: bumping modseq: mailbox=<MAILBOX> uid=<4>/],
  },
  {
    row: '12',
    what: 'new on the master at the very modseq of a change on the replica: keeps its UID',
    async provoke({ master, replica }, user) {
      await master.append(inbox(user), 'master-4');
      await replica.flag(inbox(user), 1, 'a');
    },
    expected: [`${one} a`, two, three, '4 master-4'],
    uidNext: 5,
  },
  {
    row: '13',
    what: 'new and expunged on the master alone: its UID is not given again',
    async provoke({ master, replica }, user) {
      await master.append(inbox(user), 'master-4');
      await master.expunge(inbox(user), 4);
      await replica.flag(inbox(user), 1, 'a', 'b', 'c', 'd');
    },
    expected: [`${one} a b c d`, two, three],
    uidNext: 5,
  },
  {
    row: '14',
    what: 'cleaned up on the master, untouched on the replica: expunged there',
    async provoke({ master }, user) {
      await master.expunge(inbox(user), 2);
      await master.cleanUp(user);
    },
    expected: [one, three],
    withoutMaster: 'converges',
    uidNext: 4,
    logs: [/inefficient replication \(.*\) MAILBOX/],
  },
  {
    row: '15',
    what: 'cleaned up on the master, changed since on the replica: comes back under a new UID',
    async provoke({ master, replica }, user) {
      await master.expunge(inbox(user), 2);
      await master.cleanUp(user);
      await replica.flag(inbox(user), 2, 'a', 'b', 'c', 'd');
    },
    expected: [one, three, '4 base-2 a b c d'],
    uidNext: 5,
    logs: [/SYNCNOTICE: record only exists on replica: mailbox=<MAILBOX> uid=<2>/],
  },
  {
    row: '16',
    what: 'new on the replica alone: copied back under the same UID',
    async provoke({ replica }, user) {
      await replica.append(inbox(user), 'replica-4');
      await replica.append(inbox(user), 'replica-5');
      await replica.flag(inbox(user), 5, '\\Flagged', 'ofreplica');
    },
    expected: [one, two, three, '4 replica-4', '5 replica-5 \\Flagged ofreplica'],
    uidNext: 6,
  },
  {
    row: '17',
    what: 'new and expunged on the replica alone: its UID is not given again',
    async provoke({ replica }, user) {
      await replica.append(inbox(user), 'replica-4');
      await replica.expunge(inbox(user), 4);
    },
    expected: [one, two, three],
    uidNext: 5,
  },
  {
    row: '3',
    what: 'an annotation set on the replica alone is copied back',
    async provoke({ replica }, user) {
      await replica.annotate(inbox(user), 2, 'of replica');
    },
    expected: [one, two, three],
    comments: { 2: 'of replica' },
    uidNext: 4,
  },
  {
    row: '11',
    what: 'an annotation set on the master alone is sent',
    async provoke({ master }, user) {
      await master.annotate(inbox(user), 2, 'of master');
    },
    expected: [one, two, three],
    comments: { 2: 'of master' },
    withoutMaster: 'converges',
    uidNext: 4,
  },
  {
    row: '3',
    what: "annotations set on both sides: the replica's higher modseq wins",
    async provoke({ master, replica }, user) {
      await master.annotate(inbox(user), 2, 'of master');
      await replica.annotate(inbox(user), 2, 'of replica');
      await replica.annotate(inbox(user), 2, 'of replica again');
    },
    expected: [one, two, three],
    comments: { 2: 'of replica again' },
    uidNext: 4,
  },
  {
    row: '4',
    what: "annotations set on both sides: the master's higher modseq wins",
    async provoke({ master, replica }, user) {
      await replica.annotate(inbox(user), 2, 'of replica');
      await master.annotate(inbox(user), 2, 'of master');
      await master.annotate(inbox(user), 2, 'of master again');
    },
    expected: [one, two, three],
    comments: { 2: 'of master again' },
    withoutMaster: 'converges',
    uidNext: 4,
  },
  {
    row: '7',
    what: 'annotations go with the messages that get new UIDs',
    async provoke({ master, replica }, user) {
      await master.append(inbox(user), 'master-4');
      await replica.append(inbox(user), 'replica-4', bodyWithGuidAbove('replica-4', messageOf('master-4')));
      await master.annotate(inbox(user), 4, 'of master');
      await replica.annotate(inbox(user), 4, 'of replica');
    },
    expected: [one, two, three, '5 master-4', '6 replica-4'],
    comments: { 5: 'of master', 6: 'of replica' },
    uidNext: 7,
  },
  {
    row: '16',
    what: 'new on the replica alone, with an annotation: copied back with it',
    async provoke({ replica }, user) {
      await replica.append(inbox(user), 'replica-4');
      await replica.annotate(inbox(user), 4, 'of replica');
    },
    expected: [one, two, three, '4 replica-4'],
    comments: { 4: 'of replica' },
    uidNext: 5,
  },
  {
    row: '5',
    what: 'annotated on both sides, then expunged on the master: expunged, the annotations with it',
    async provoke({ master, replica }, user) {
      await replica.annotate(inbox(user), 2, 'of replica');
      await master.annotate(inbox(user), 2, 'of master');
      await master.expunge(inbox(user), 2);
    },
    expected: [one, three],
    comments: {},
    withoutMaster: 'converges',
    uidNext: 4,
  },
  {
    row: '6',
    what: 'annotated on both sides, then expunged on the replica: expunged, the annotations with it',
    async provoke({ master, replica }, user) {
      await master.annotate(inbox(user), 2, 'of master');
      await replica.annotate(inbox(user), 2, 'of replica');
      await replica.expunge(inbox(user), 2);
    },
    expected: [one, three],
    comments: {},
    uidNext: 4,
  },
  {
    row: '1',
    what: 'annotated and expunged on both sides: stays expunged, the annotations with it',
    async provoke({ master, replica }, user) {
      for (const side of [master, replica]) {
        await side.annotate(inbox(user), 2, `of ${side.server.name}`);
        await side.expunge(inbox(user), 2);
      }
      await replica.append(inbox(user), 'replica-4');
    },
    expected: [one, three, '4 replica-4'],
    comments: {},
    uidNext: 5,
  },
  {
    row: '16',
    what: "the mailbox's own annotation is the replica's where the replica is ahead",
    async provoke({ master, replica }, user) {
      await master.imap.ok(`SETMETADATA ${inbox(user)} (/shared/comment "of master")`);
      await replica.imap.ok(`SETMETADATA ${inbox(user)} (/shared/comment "of replica")`);
      await replica.append(inbox(user), 'replica-4');
      await replica.flag(inbox(user), 4, 'a', 'b', 'c');
    },
    expected: [one, two, three, '4 replica-4 a b c'],
    uidNext: 5,
    mailboxComment: 'of replica',
  },
  {
    row: '7',
    what: "the mailbox's own annotation is the master's where the master is ahead",
    async provoke(sides, user) {
      const { master, replica } = sides;
      await replica.imap.ok(`SETMETADATA ${inbox(user)} (/shared/comment "of replica")`);
      await replica.append(inbox(user), 'replica-4');
      await master.imap.ok(`SETMETADATA ${inbox(user)} (/shared/comment "of master")`);
      await master.append(inbox(user), 'master-4', bodyWithGuidAbove('master-4', messageOf('replica-4')));
      await master.flag(inbox(user), 4, 'a', 'b', 'c');
    },
    expected: [one, two, three, '5 replica-4', '6 master-4 a b c'],
    uidNext: 7,
    mailboxComment: 'of master',
  },
  {
    row: 'many',
    what: 'several rows in one mailbox are decided together',
    async provoke(sides, user) {
      const { master, replica } = sides;
      await master.append(inbox(user), 'master-4');
      await replica.append(inbox(user), 'replica-4', bodyWithGuidAbove('replica-4', messageOf('master-4')));
      await replica.append(inbox(user), 'replica-5');
      await replica.flag(inbox(user), 1, 'ofreplica');
      await master.expunge(inbox(user), 2);
      await replica.expunge(inbox(user), 3);
    },
    expected: [`${one} ofreplica`, '5 replica-5', '6 master-4', '7 replica-4'],
    uidNext: 8,
  },
];
