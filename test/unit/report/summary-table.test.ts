import assert from 'node:assert/strict';
import test from 'node:test';
import { Summary } from '../../../src/report/document/summary.ts';
import type { UserSettled } from '../../../src/report/events.ts';

const effort = { attempts: 1, lockWaits: 0, mailboxes: 1, messages: 10, octets: 2_000_000, elapsedMs: 10 };

const NOTHING_DONE = {
  ...{ synced: 0, absent: 0, locked: 0, failed: 0, unmatched: 0, messagesUploaded: 0, octetsUploaded: 0 },
  ...{ mailboxesUpdated: 0, elapsedMs: 0, failures: [], unreached: [], allFound: true },
};

function told(...statuses: UserSettled['status'][]): string[] {
  const summary = new Summary((internal) => internal);
  summary.hear({ kind: 'run:discovered', users: statuses.length, messages: 0, complete: true });
  for (const [index, status] of statuses.entries()) {
    summary.hear({ kind: 'user:settled', key: `user:u${index}`, user: `u${index}`, status, effort });
  }
  return summary.lines();
}

test('the table counts users by what is known of them, and leaves out what there is none of', () => {
  assert.deepEqual(told('replicated', 'replicated', 'failed', 'locked', 'absent'), [
    ' 5 users',
    ' 2   identical',
    ' 1   failed',
    ' 1   not reached',
    ' 1   not here',
    '50 messages, 10.0 MB, in 0.0 s',
  ]);
});

test('there is no table of nobody', () => {
  assert.deepEqual(told(), []);
});

test('the table says how many connections there were, and why no more', () => {
  const summary = new Summary((internal) => internal);
  summary.hear({ kind: 'user:settled', key: 'user:u', user: 'u', status: 'replicated', effort });
  const connections = { most: 24, why: 'jobs' } as const;
  summary.hear({ kind: 'run:end', summary: { ...NOTHING_DONE, connections } });
  assert.ok(summary.lines().includes('24 connections at a time: there was no work for more'));
});
