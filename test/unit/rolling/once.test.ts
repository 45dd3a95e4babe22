import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { ONCE_LINK_ATTEMPTS } from '../../../src/rolling/limits.ts';
import { failed, isUser, linkError, Site } from './site.ts';

/** -1: each thing has its turn, and what had it in vain takes nothing along that depends on it. */

test('-1: an UNUSER behind something that failed is not done, and both are left in the log', async () => {
  using site = new Site();
  site.resultOf = (action) => (action.kind === 'user' ? failed() : undefined);
  await site.change({ type: 'SUB', userid: 'alice', name: 'x' }, { type: 'UNUSER', userid: 'alice' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(60_000);
  assert.equal(ended()?.unfinished, 2);
  assert.deepEqual(
    site.begun.map(({ action }) => action.kind),
    ['user'],
  );
  assert.deepEqual(readFileSync(`${site.file}-run`, 'latin1').split('\n').sort(), [
    '',
    'UNUSER alice',
    'USER alice',
  ]);
});

test('-1: an UNUSER behind a locked user is not done either', async () => {
  using site = new Site();
  site.resultOf = (action) => (action.kind === 'user' ? { kind: 'locked', user: 'alice' } : undefined);
  await site.change({ type: 'SUB', userid: 'alice', name: 'x' }, { type: 'UNUSER', userid: 'alice' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(60_000);
  assert.equal(ended()?.unfinished, 2);
  assert.ok(!site.begun.some(({ action }) => action.kind === 'unuser'));
});

test('-1: an UNUSER waits for what was promoted before it, and then has its turn', async () => {
  using site = new Site();
  site.resultOf = (action) => (action.kind === 'mailboxes' ? failed() : undefined);
  await site.change({ type: 'MAILBOX', name: 'user.alice.x' }, { type: 'UNUSER', userid: 'alice' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(60_000);
  assert.deepEqual(
    site.begun.map(({ action }) => action.kind),
    ['mailboxes', 'user', 'unuser'],
  );
  assert.equal(ended()?.unfinished, 0);
});

test('-1: a unit whose connection breaks is tried a few times, and said once', async () => {
  using site = new Site();
  site.resultOf = (action) => (isUser(action, 'mallory') ? { kind: 'failed', error: linkError } : undefined);
  await site.change({ type: 'MAILBOX', name: 'user.mallory' }, { type: 'SUB', userid: 'mallory', name: 'x' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(10 * 60_000);
  assert.equal(ended()?.unfinished, 2);
  assert.equal(site.startsOf('mallory').length, ONCE_LINK_ATTEMPTS);
  assert.equal(ended()?.failures.length, 1);
});

test('-1: a unit that nothing is said of is left and said, not taken as done', async () => {
  using site = new Site();
  await site.change({ type: 'META', userid: 'alice' });
  const { ended } = site.start({ once: true }, { run: async () => ({ results: [] }) });
  await site.clock.advance(60_000);
  assert.equal(ended()?.unfinished, 1);
  assert.deepEqual(
    ended()?.failures.map(({ user, error }) => [user, error.code]),
    [['alice', 'BUG']],
  );
});

test('-1: a unit whose connection breaks once is no failure', async () => {
  using site = new Site();
  let breaks = 1;
  site.resultOf = () => (breaks-- > 0 ? { kind: 'failed', error: linkError } : undefined);
  await site.change({ type: 'MAILBOX', name: 'user.alice' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(60_000);
  assert.deepEqual(ended(), { reason: 'once', unfinished: 0, failures: [] });
});

test('-1: what fails for one reason is said once of each user, and each reason of its own', async () => {
  using site = new Site();
  site.resultOf = (action) =>
    failed(
      action.kind === 'unmailbox' && action.name.endsWith('z')
        ? 'IMAP_MAILBOX_LOCKED'
        : 'IMAP_PROTOCOL_ERROR',
    );
  const gone = (name: string) => ({ type: 'UNMAILBOX', name }) as const;
  await site.change(gone('user.alice.x'), gone('user.alice.y'), gone('user.alice.z'), gone('user.bob.x'));
  const { ended } = site.start({ once: true });
  await site.clock.advance(60_000);
  assert.equal(ended()?.unfinished, 4);
  assert.deepEqual(
    ended()
      ?.failures.map(({ user, error }) => `${user} ${error.code}`)
      .sort(),
    ['alice IMAP_MAILBOX_LOCKED', 'alice IMAP_PROTOCOL_ERROR', 'bob IMAP_PROTOCOL_ERROR'],
  );
});

test('-1: an UNUSER behind what was locked or failed is left, whatever else is promoted before it', async () => {
  for (const [locked, failing] of [
    [true, false],
    [false, true],
    [true, true],
  ]) {
    using site = new Site();
    site.resultOf = (action) => {
      if (action.kind === 'quota') return locked ? { kind: 'locked', user: 'old' } : undefined;
      if (action.kind === 'unmailbox') return failing ? failed() : undefined;
      return action.kind === 'mailboxes' ? failed() : undefined;
    };
    await site.change(
      { type: 'MAILBOX', name: 'user.old.x' },
      { type: 'QUOTA', root: 'user.old' },
      { type: 'UNMAILBOX', name: 'user.old.y' },
      { type: 'UNUSER', userid: 'old' },
    );
    const { ended } = site.start({ once: true });
    await site.clock.advance(60_000);
    assert.deepEqual(
      site.begun.map(({ action }) => action.kind),
      ['mailboxes', 'quota', 'unmailbox', 'user'],
    );
    const left = [...(locked ? ['QUOTA user.old'] : []), ...(failing ? ['UNMAILBOX user.old.y'] : [])];
    assert.deepEqual(site.linesOnDisk().sort(), [...left, 'UNUSER old'].sort());
    assert.deepEqual(
      ended()?.failures.map(({ error }) => error.code),
      failing ? ['IMAP_PROTOCOL_ERROR'] : [],
    );
  }
});
