import assert from 'node:assert/strict';
import test from 'node:test';
import { senselessJump } from '../../../src/replicate/compare/senseless-jump.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';

const NOW = 1_800_000_000;
const ours = state({ lastUid: 100, highestmodseq: 500, uidvalidity: 1_700_000_000 });
const mailbox = entry('user.anna');

function fieldOf(fields: Parameters<typeof remoteOf>[2]): string | undefined {
  return senselessJump(ours, remoteOf(mailbox, ours, fields), NOW)?.field;
}

test('years of use on the other side are within reason', () => {
  assert.equal(fieldOf({}), undefined);
  assert.equal(
    fieldOf({ lastUid: 5_000_000, highestmodseq: 100_000_000, uidvalidity: NOW + 1000 }),
    undefined,
  );
  assert.equal(fieldOf({ xconvmodseq: 100_000_000, foldermodseq: 100_000_000, raclmodseq: 7 }), undefined);
  assert.equal(fieldOf({ lastAppenddate: NOW + 3600, pop3LastLogin: NOW + 3600 }), undefined);
});

test('what no use explains is named', () => {
  assert.equal(fieldOf({ uidvalidity: 2 ** 32 - 1 }), 'UIDVALIDITY');
  assert.equal(fieldOf({ lastUid: 2 ** 32 - 1 }), 'LAST_UID');
  assert.equal(fieldOf({ lastUid: 100 + 2 ** 24 + 1 }), 'LAST_UID');
  assert.equal(fieldOf({ highestmodseq: Number.MAX_SAFE_INTEGER }), 'HIGHESTMODSEQ');
  assert.equal(fieldOf({ xconvmodseq: 2 ** 50 }), 'XCONVMODSEQ');
  assert.equal(fieldOf({ foldermodseq: 2 ** 50 }), 'FOLDERMODSEQ');
  assert.equal(fieldOf({ raclmodseq: 2 ** 50 }), 'RACLMODSEQ');
  assert.equal(fieldOf({ lastAppenddate: NOW + 10 * 366 * 24 * 3600 }), 'LAST_APPENDDATE');
  assert.equal(fieldOf({ pop3LastLogin: 2 ** 33 }), 'POP3_LAST_LOGIN');
});

test('a master that has such a counter itself is not held to reason', () => {
  const far = state({ lastUid: 2 ** 32 - 10, highestmodseq: 2 ** 50, uidvalidity: 2 ** 32 - 1 });
  const remote = remoteOf(mailbox, far, { lastUid: 2 ** 32 - 5, highestmodseq: 2 ** 50 + 7 });
  assert.equal(senselessJump(far, remote, NOW), undefined);
});

test('a counter that could not be read here explains nothing of what the replica says', () => {
  const error = new SyncError('DATABASE_DAMAGED', 'conversations.db');
  const unread = state({
    highestmodseq: 500,
    xconvmodseq: 2 ** 50,
    unread: [{ part: 'xconvmodseq', path: '/conversations', error }],
  });
  const remote = remoteOf(mailbox, unread, { xconvmodseq: 2 ** 50 });
  assert.equal(senselessJump(unread, remote, NOW)?.field, 'XCONVMODSEQ');
  assert.equal(senselessJump({ ...unread, unread: [] }, remote, NOW), undefined);
});
