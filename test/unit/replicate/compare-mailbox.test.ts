import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaMailbox } from '../../../src/protocol/replica-session.ts';
import {
  type CompareOptions,
  type Comparison,
  compareMailbox,
} from '../../../src/replicate/compare/compare-mailbox.ts';
import type { DivergedReason } from '../../../src/report/events.ts';
import type { Annotation, MailboxEntry, MailboxState } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const OPTIONS: CompareOptions = { reverseacls: false, conversations: true };
const COMMENT: Annotation = { entry: '/comment', userid: '', modseq: 3, value: 'words' };

/** A mailbox in use, with a value in every field. */
const INBOX = entry('user.alice', { foldermodseq: 5 });
const STATE = state({
  lastUid: 10,
  highestmodseq: 20,
  deletedmodseq: 4,
  recentuid: 7,
  recenttime: 1_600_000_000,
  lastAppenddate: 1_600_000_000,
  pop3LastLogin: 1_600_000_000,
  pop3ShowAfter: 1_500_000_000,
  uidvalidity: 1000,
  options: 'PS',
  xconvmodseq: 20,
  raclmodseq: 6,
  createdmodseq: 2,
  foldermodseq: 5,
  crcBasic: 111,
  crcAnnotations: 222,
  quotaroot: 'user.alice',
});

interface Change {
  here?: Partial<MailboxState>;
  there?: Partial<ReplicaMailbox>;
  entry?: Partial<MailboxEntry>;
  annotations?: Annotation[];
  options?: Partial<CompareOptions>;
}

function compare({ here, there, entry: changed, annotations = [COMMENT], options }: Change): Comparison {
  const remote = remoteOf(INBOX, STATE, { annotations: [COMMENT], ...there });
  const local = { entry: { ...INBOX, ...changed }, state: { ...STATE, ...here }, annotations };
  return compareMailbox(local, remote, { ...OPTIONS, ...options });
}

function verdict(change: Change): string {
  const comparison = compare(change);
  return comparison.kind === 'diverged' ? comparison.reason : comparison.kind;
}

function check(
  expected: Exclude<Comparison['kind'], 'diverged'> | DivergedReason,
  changes: Record<string, Change>,
): void {
  for (const [what, change] of Object.entries(changes)) assert.equal(verdict(change), expected, what);
}

test('a mailbox that is the same in every field is not sent', () => {
  check('unchanged', { same: {} });
});

test('each field that a MAILBOX line brings over is a reason to send one', () => {
  check('delta', {
    'a new message': { here: { lastUid: 11, highestmodseq: 21 } },
    'a changed message': { here: { highestmodseq: 21, crcBasic: 112 } },
    'a UID that was given and expunged': { here: { lastUid: 11 } },
    'a modseq that no message has': { here: { highestmodseq: 21 } },
    type: { entry: { type: 'c' } },
    uidvalidity: { here: { uidvalidity: 1001 } },
    recentuid: { here: { recentuid: 8 } },
    'recentuid, lower': { here: { recentuid: 6 } },
    recenttime: { here: { recenttime: 1_600_000_001 } },
    'POP3 login': { here: { pop3LastLogin: 1_600_000_001 } },
    'POP3 show after': { here: { pop3ShowAfter: 0 } },
    'an option more': { here: { options: 'PSA' } },
    'an option less': { here: { options: 'P' } },
    acl: { entry: { acl: 'alice\tlr\t' } },
    foldermodseq: { here: { foldermodseq: 6 } },
    raclmodseq: { here: { raclmodseq: 7 }, options: { reverseacls: true } },
    xconvmodseq: { here: { xconvmodseq: 21 } },
    'another group': { here: { groups: 'group:a\tgroup:b' }, there: { groups: 'group:a' } },
    'the first group': { here: { groups: 'group:a' }, there: { groups: '' } },
    'no group any more': { here: { groups: '' }, there: { groups: 'group:a' } },
    'an annotation more': {
      annotations: [COMMENT, { ...COMMENT, userid: 'alice' }],
    },
    'an annotation less': { annotations: [] },
    'another value': { annotations: [{ ...COMMENT, value: 'others' }] },
    'another entry': { annotations: [{ ...COMMENT, entry: '/motd' }] },
    'another user': { annotations: [{ ...COMMENT, userid: 'alice' }] },
  });
});

test('what the replica keeps by itself, or need not have, is no reason to send anything', () => {
  check('unchanged', {
    'foldermodseq higher there': { there: { foldermodseq: 6 } },
    'foldermodseq unknown there': { there: { foldermodseq: 0 } },
    'raclmodseq without reverseacls': { here: { raclmodseq: 7 } },
    'the same raclmodseq': { options: { reverseacls: true } },
    'raclmodseq higher there': { there: { raclmodseq: 7 }, options: { reverseacls: true } },
    'raclmodseq unknown there': { there: { raclmodseq: 0 }, options: { reverseacls: true } },
    'raclmodseq unknown here': { here: { raclmodseq: 0 }, options: { reverseacls: true } },
    'xconvmodseq without conversations': { here: { xconvmodseq: 21 }, options: { conversations: false } },
    'groups where nothing tells of them there': { here: { groups: 'group:a' } },
    'groups where nothing tells of them here': { there: { groups: 'group:a' } },
    'groups in a folder, which INBOX tells': {
      entry: { name: 'user.alice.Sent' },
      here: { groups: 'group:a' },
      there: { groups: '' },
    },
    'modseq of an annotation': { annotations: [{ ...COMMENT, modseq: 9 }] },
    'options of the server alone': { here: { options: 'PSX' } },
    'mail spelled out': { there: { type: 'e' } },
    'time of the last append': { here: { lastAppenddate: 1 } },
  });
});

test('a checksum of 0 is one that is not known, and matches, each half by itself', () => {
  check('unchanged', {
    'basic, here': { here: { crcBasic: 0 } },
    'basic, there': { there: { crcBasic: 0 } },
    'annotations, here': { here: { crcAnnotations: 0 } },
    'annotations, there': { there: { crcAnnotations: 0 } },
  });
  check('crc-differs-at-same-modseq', {
    'basic unknown, annotations differ': { here: { crcBasic: 0, crcAnnotations: 223 } },
    'annotations unknown, basic differs': { here: { crcBasic: 112, crcAnnotations: 0 } },
  });
});

test('nothing is sent over what the replica is ahead in, or what the master does not account for', () => {
  check('uidvalidity-higher-on-replica', { uidvalidity: { there: { uidvalidity: 1001 } } });
  check('modseq-higher-on-replica', { modseq: { there: { highestmodseq: 21 } } });
  check('uid-higher-on-replica', { 'last UID': { there: { lastUid: 11 } } });
  check('cleaned-up', { 'what the replica may still have': { here: { deletedmodseq: 21 } } });
  check('crc-differs-at-same-modseq', {
    basic: { there: { crcBasic: 112 } },
    annotations: { there: { crcAnnotations: 223 } },
  });
  const detail = compare({ there: { highestmodseq: 21 } });
  assert.equal(detail.kind === 'diverged' && detail.detail, 'HIGHESTMODSEQ is 20 here, 21 on the replica');
});

test('messages cleaned up at the modseq of the replica are gone there too, and a mailbox made anew has had none', () => {
  check('unchanged', { 'as far as the replica': { here: { deletedmodseq: 20 } } });
  check('delta', {
    'made anew there': { here: { deletedmodseq: 21 }, there: { highestmodseq: 0, lastUid: 0, crcBasic: 0 } },
    'made there and not filled': {
      here: { deletedmodseq: 19 },
      there: { highestmodseq: 1, lastUid: 0, crcBasic: 0, xconvmodseq: 0 },
    },
  });
});

test('a different checksum is no divergence while there is something newer to send', () => {
  check('delta', {
    'another modseq': { here: { highestmodseq: 21, crcBasic: 112 } },
    'another last UID': { here: { lastUid: 11, crcBasic: 112 } },
  });
});

test('an XCONVMODSEQ that the replica has passed would be refused, so it is no delta', () => {
  const [here, there] = [{ xconvmodseq: 19 }, { xconvmodseq: 21 }];
  check('xconvmodseq-higher-on-replica', { 'lower here': { here }, 'higher there': { there } });
  check('delta', { 'higher here': { here: { xconvmodseq: 21 } } });
  check('unchanged', { 'without conversations': { here, options: { conversations: false } } });
  // 0: a mailbox that is in no conversation.
  check('delta', { 'none here': { here: { xconvmodseq: 0 } } });
});

test('where a server tells its mailboxes, XCONVMODSEQ counts as far as it tells one', () => {
  const asTold: Change['options'] = { conversations: 'as-told' };
  check('unchanged', { 'none told': { here: { xconvmodseq: 0 }, options: asTold } });
  check('delta', { 'one told': { here: { xconvmodseq: 21 }, options: asTold } });
});

test('a RACLMODSEQ of 0 is none: it differs from no other', () => {
  const options = { reverseacls: true };
  check('unchanged', {
    there: { options, there: { raclmodseq: 0 } },
    here: { options, here: { raclmodseq: 0 } },
    'higher there': { options, there: { raclmodseq: 7 } },
  });
  check('delta', {
    'one there': { options, there: { raclmodseq: 1 } },
    'one there of two': { options, here: { raclmodseq: 2 }, there: { raclmodseq: 1 } },
  });
});
