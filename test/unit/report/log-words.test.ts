import assert from 'node:assert/strict';
import test from 'node:test';
import type { DivergedReason, MailboxEvent, SyncEvent } from '../../../src/report/events.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';
import { logLines } from '../../../src/report/words/log-lines.ts';

/* The words and levels that alerts of administrators look for: whoever changes one of these breaks somebody's alert. */

const error: ErrorData = { code: 'IO', family: 'local', message: 'what is wrong', retryable: false };
type Merged = Extract<MailboxEvent, { kind: 'message:merged' }>;

const name = 'user.anna';
const merged = (rule: Merged['rule'], masterGuid?: string, replicaGuid?: string): SyncEvent => ({
  ...{ kind: 'message:merged', name, uid: 7, rule, masterGuid, replicaGuid },
});
const diverged = (reason: DivergedReason): SyncEvent => ({
  ...{ kind: 'mailbox:diverged', name, reason, detail: 'so' },
});

const words: [SyncEvent, ...string[]][] = [
  [{ kind: 'run:stopping' }, 'notice: graceful shutdown'],
  [{ kind: 'run:warning', text: 'it is', hint: 'do' }, 'warning: it is; do'],
  [{ kind: 'replica:closed-idle', server: 'r' }, 'info: r closed the idle connection'],
  [
    { kind: 'replica:full', server: 'r', connections: 2 },
    "notice: 'r' takes no more connections, going on with 2",
  ],
  [
    { kind: 'replica:no-archive', server: 'r' },
    "notice: 'r' cannot stage on its archive partition; going on without",
  ],
  [{ kind: 'master:said', line: 'a line' }, "warning: master's sync_server: a line"],
  [{ kind: 'thread:failed', error }, 'error: worker thread failed: what is wrong'],
  [
    { kind: 'user:scripts-as-files', user: 'anna', error },
    'notice: the scripts of anna stay files on the master and are sent one by one: what is wrong',
  ],
  [diverged('cleaned-up-on-master'), 'notice: inefficient replication (so) user.anna'],
  [diverged('checksum-refused'), 'error: CRC failure on sync for user.anna, trying full update'],
  [diverged('crc-differs-below-append'), 'error: CRC failure on sync for user.anna, trying full update'],
  [diverged('crc-differs-at-same-modseq'), 'error: CRC failure on sync for user.anna, trying full update'],
  [diverged('modseq-coincides'), 'notice: SYNCNOTICE: user.anna has diverged (so), trying full update'],
  [
    merged('replica-newer', 'a', 'a'),
    'notice: SYNCNOTICE: record mismatch with replica: user.anna more recent on replica uid:7',
  ],
  [
    merged('master-kept', 'a', 'a'),
    'notice: SYNCNOTICE: record mismatch with replica: user.anna more recent on master uid:7',
  ],
  [merged('modseq-bumped', 'a'), 'notice: SYNCNOTICE: bumping modseq: mailbox=<user.anna> uid=<7>'],
  [merged('expunged-on-master', 'a', 'a')],
  [
    merged('copied-back', undefined, 'b'),
    'notice: SYNCNOTICE: record only exists on replica: mailbox=<user.anna> uid=<7>',
  ],
  [
    merged('replica-renumbered', 'a'),
    'notice: SYNCNOTICE: record only exists on master: mailbox=<user.anna> uid=<7>',
  ],
  [
    merged('both-renumbered', 'a', 'b'),
    'error: SYNCERROR: guid mismatch: mailbox=<user.anna> uid=<7> rguid=<b> mguid=<a>',
  ],
  [
    {
      ...{ kind: 'mailbox:checksum-stale', name },
      ...{ stored: { crcBasic: 1, crcAnnotations: 2 }, counted: { crcBasic: 3, crcAnnotations: 4 } },
    },
    'notice: the checksum in the index of user.anna is not that of its records: SYNC_CRC 1/2 there, ' +
      '3/4 counted and taken; reconstruct corrects it',
  ],
  [
    { kind: 'annotations:of-server-refused' },
    'notice: left out: annotations of the server: the replica has no place for them',
  ],
  [
    { kind: 'mailbox:name-too-long', name, longestName: 5, inDeleted: false },
    'error: left out: user.anna: its name has 9 octets, and the replica opens none of more than 5',
  ],
  [
    { kind: 'mailbox:name-too-long', name, longestName: 5, inDeleted: true },
    'notice: left out: user.anna: its name has 9 octets, and the replica opens none of more than 5',
  ],
  [
    { kind: 'mailbox:unknown-there', name },
    "notice: left out: user.anna: it holds JMAP notifications, which the replica's Cyrus does not have",
  ],
  [
    { kind: 'mailbox:blocked', name, command: 'MAILBOX', uniqueid: 'a', otherUniqueid: 'b' },
    'error: MAILBOX received NO response: IMAP_MAILBOX_MOVED (foreseen, so not sent): user.anna: ' +
      'the replica has another mailbox of this name: uniqueid a here, b there',
  ],
  [
    { kind: 'mailbox:blocked', name, command: 'RENAME', uniqueid: 'a', otherUniqueid: 'b' },
    'error: RENAME received NO response: IMAP_MAILBOX_MOVED (foreseen, so not sent): user.anna: ' +
      'it has to be renamed on the replica, where another mailbox (uniqueid b) has its name',
  ],
  [{ kind: 'mailbox:failed', name, error }, "error: do_folders(): update failed: user.anna 'what is wrong'"],
  [
    {
      ...{ kind: 'message:damaged', user: 'anna', name },
      damage: { uid: 7, guid: 'ab', path: '/spool/7.', cause: 'missing' },
    },
    'error: left out: user.anna: message 7: /spool/7.: missing',
  ],
  [{ kind: 'mailbox:part-unread', error }, 'error: what is wrong; on the replica this part stays as it is'],
  [
    { kind: 'mailbox:held-back', above: name, names: ['user.anna.x'] },
    'error: do_folders(): not sent, because user.anna is not on the replica: user.anna.x',
  ],
  [
    { kind: 'mailbox:held-back', above: name, names: ['user.anna.x', 'user.anna.y'] },
    'error: do_folders(): not sent, because user.anna is not on the replica: 2 mailboxes below it',
  ],
  [{ kind: 'rolling:leftover', file: 'log-run' }, 'notice: Reprocessing sync log file log-run'],
  [
    {
      kind: 'rolling:promoted',
      from: { type: 'MAILBOX', operands: ['user.anna', 'user.anna.x'] },
      to: { type: 'USER', operands: ['anna'] },
    },
    'info:   Promoting: MAILBOX user.anna user.anna.x -> USER anna',
  ],
  [{ kind: 'rolling:deferred', line: 'USER anna' }, 'info:   Deferred: USER anna'],
  [{ kind: 'rolling:not-deferred', error }, 'error: locked users are parked: what is wrong'],
  [{ kind: 'rolling:restarted' }, 'info: sync_client RESTART succeeded'],
  [{ kind: 'rolling:restart-failed', error }, 'error: sync_client RESTART failed: what is wrong'],
  [
    { kind: 'rolling:take-failed', file: 'log', error },
    'error: Processing sync log file log failed: what is wrong',
  ],
  [{ kind: 'rolling:file-failed', error }, 'error: what is wrong'],
];

test('the log says of each event what it has always said', () => {
  const context = { mode: 'users', channel: undefined, server: 'r', spellMailbox: asItIs } as const;
  for (const [event, ...expected] of words) {
    const lines = logLines(event, context).map(({ level, text }) => `${level}: ${text}`);
    assert.deepEqual(lines, expected, event.kind);
  }
});
