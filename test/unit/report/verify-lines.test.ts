import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingLines } from '../../../src/report/document/failures.ts';
import type { SyncEvent, Verdict } from '../../../src/report/events.ts';
import type { SettledStatus } from '../../../src/report/grade.ts';
import { COMPARING } from '../../../src/report/program-words.ts';
import { VerifyLines } from '../../../src/report/words/verify-lines.ts';

const verdict = (user: string, of: Verdict): SyncEvent => ({
  ...{ kind: 'verify:verdict', user, verdict: of, mailboxes: 2, differences: 0 },
});

test('the end says how many are proven, how many differ, and who never held still', () => {
  const lines = new VerifyLines((name) => name);
  for (const event of [
    verdict('anna', 'proven'),
    verdict('bert', 'different'),
    verdict('carl', 'changing'),
    verdict('', 'repaired'),
  ]) {
    assert.equal(lines.hear(event), undefined);
  }
  assert.deepEqual(lines.closing(), [
    '1 of 4 users proven the same on both sides (8 mailboxes), 1 differ, 1 differed and are repaired, 1 never held still',
    'changing all the time, or still in the sync log: carl',
  ]);
  assert.deepEqual(new VerifyLines((name) => name).closing(), []);
});

test('who could not be compared counts among those who are not proven, whether it was found to differ before or not', () => {
  const lines = new VerifyLines((name) => name);
  const effort = { attempts: 1, lockWaits: 0, mailboxes: 0, messages: 0, octets: 0, elapsedMs: 1 };
  const settled = (user: string, status: SettledStatus): SyncEvent => ({
    ...{ kind: 'user:settled', key: `user:${user}`, user, status, effort },
  });
  for (const event of [
    ...[verdict('anna', 'proven'), settled('anna', 'replicated'), settled('bert', 'failed')],
    ...[verdict('carl', 'different'), settled('carl', 'failed'), settled('dora', 'not-reached')],
    ...[verdict('emil', 'different'), settled('emil', 'replicated'), settled('fred', 'absent')],
  ]) {
    lines.hear(event);
  }
  assert.deepEqual(lines.closing(), [
    '1 of 5 users proven the same on both sides (6 mailboxes), 2 differ, 2 not compared',
  ]);
});

test('who failed and was asked for again counts by the new end alone, differences and mailboxes too', () => {
  const lines = new VerifyLines((name) => name);
  const effort = { attempts: 1, lockWaits: 0, mailboxes: 0, messages: 0, octets: 0, elapsedMs: 1 };
  const settled = (status: SettledStatus, again: boolean): SyncEvent => ({
    ...{ kind: 'user:settled', key: 'user:anna', user: 'anna', status, again, effort },
  });
  const difference: SyncEvent = {
    kind: 'verify:difference',
    difference: { kind: 'acl', user: 'anna', mailbox: 'user.anna', master: 'x', replica: 'y' },
  };
  for (const event of [difference, verdict('anna', 'different'), settled('failed', false)]) lines.hear(event);
  for (const event of [difference, verdict('anna', 'repaired'), settled('replicated', true)])
    lines.hear(event);
  assert.deepEqual(lines.closing(), [
    '0 of 1 users proven the same on both sides (2 mailboxes), 1 differed and are repaired, 1 differences',
  ]);
});

test('a difference is one sentence, whichever side has what', () => {
  const lines = new VerifyLines((name) => name.replaceAll('.', '/'));
  const says = (master: string | undefined, replica: string | undefined) =>
    lines.hear({
      kind: 'verify:difference',
      difference: { kind: 'flags', user: 'anna', mailbox: 'user.anna', uid: 7, master, replica },
    });
  assert.equal(says('\\seen', ''), 'user/anna, UID 7: flags: \\seen on the master, none on the replica');
  assert.equal(says(undefined, 'x'), 'user/anna, UID 7: flags is only on the replica (x)');
  const voila = Buffer.from('voilà').toString('latin1');
  assert.match(says(voila, '') ?? '', new RegExp(`: flags: ${voila} on the master`));
  assert.match(says('x'.repeat(500), undefined) ?? '', /: flags is missing on the replica \(x{200}\.{3}\)$/);
});

test('a comparison that was stopped does not say that anybody was to be replicated', () => {
  const closing = { failures: [], unreached: [{ user: 'anna' }], allFound: true };
  assert.deepEqual(
    closingLines(closing, (name) => name, COMPARING),
    ['cyrus-sync verify: stopped; run again to continue', '1 users not compared'],
  );
});
