import assert from 'node:assert/strict';
import test from 'node:test';
import type { ActionResult } from '../../../src/replicate/jobs/action.ts';
import { Breaks } from '../../../src/rolling/daemon/breaks.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import type { RollingUnit } from '../../../src/rolling/queue/rolling-unit.ts';
import { isUser, linkError, refused, Site } from './site.ts';

/** One mailbox at which the replica's process ends: what the engine and the connection make of it. */
const MAILBOX = 'user.mallory.bad';
const BAD: LogLine = { type: 'MAILBOX', name: MAILBOX };
const INNOCENT: LogLine[] = ['alice', 'bob', 'carol'].map((user) => ({
  type: 'MAILBOX',
  name: `user.${user}`,
}));

function breaking(site: Site): { mend(): void; tries: { aside: boolean; apart: boolean; at: number }[] } {
  let breaks = true;
  const tries: { aside: boolean; apart: boolean; at: number }[] = [];
  site.workTime = () => 100;
  site.resultOf = (action, unit: RollingUnit): ActionResult | undefined => {
    if (!breaks || !isUser(action, 'mallory')) return undefined;
    const aside = unit.setAside?.some(({ mailbox }) => mailbox === MAILBOX) ?? false;
    tries.push({ aside, apart: site.begun.at(-1)?.apart ?? false, at: site.clock.now() });
    if (aside) return { kind: 'failed', error: { ...refused('BREAKS_LINK'), mailbox: MAILBOX } };
    return {
      kind: 'failed',
      error: { ...linkError, outstanding: { command: 'MAILBOX', mailbox: MAILBOX } },
    };
  };
  return {
    tries,
    mend: () => {
      breaks = false;
    },
  };
}

test('who breaks the connection at one mailbox is tried without it at once, and fails with its name', async () => {
  using site = new Site();
  const { tries } = breaking(site);
  await site.change(BAD, ...INNOCENT);
  site.start({ parallel: 8 });
  await site.clock.advance(900);
  // In company; apart; without it; and then the whole user, to which a failed mailbox is promoted.
  assert.deepEqual(
    tries.map(({ aside, apart }) => [aside, apart]),
    [
      [false, false],
      [false, true],
      [true, true],
      [true, true],
    ],
  );
  assert.deepEqual(
    site.eventsOf('rolling:retry').map(({ user, error }) => [user, error.code, error.mailbox]),
    [['mallory', 'BREAKS_LINK', MAILBOX]],
  );
});

test('it takes nobody along again, is tried with the mailbox again and again, ever more seldom, and gets well', async () => {
  using site = new Site();
  const { tries, mend } = breaking(site);
  site.start({ parallel: 8 });
  for (let i = 0; i < 360; i++) {
    await site.change(BAD, ...INNOCENT);
    await site.clock.advance(10_000);
    assert.deepEqual(site.behind(), [`mailbox ${MAILBOX}`]);
  }
  assert.equal(site.cuts, 1, 'the first time, when nothing was known');
  const whole = tries.filter(({ aside }) => !aside);
  assert.ok(whole.length > 4 && whole.length < 20, `${whole.length} tries with it`);
  assert.equal(site.eventsOf('rolling:quarantined').length, 1);
  mend();
  await site.clock.advance(3_600_000);
  assert.deepEqual(site.behind(), []);
});

test('-1 leaves in log-run what it could not do, after it has tried without the mailbox', async () => {
  using site = new Site();
  const { tries } = breaking(site);
  await site.change(BAD, ...INNOCENT);
  const { ended } = site.start({ once: true });
  await site.clock.advance(5000);
  assert.equal(ended()?.reason, 'once');
  assert.ok(tries.some(({ aside }) => aside));
  assert.deepEqual(
    ended()?.failures.map(({ user, error }) => [user, error.code]),
    [['mallory', 'BREAKS_LINK']],
  );
  assert.deepEqual(site.behind(), [`mailbox ${MAILBOX}`]);
});

test('whose unit was done has broken nothing: the next break is a first one again', () => {
  const breaks = new Breaks();
  assert.equal(breaks.broke('mallory', MAILBOX, linkError), false);
  breaks.succeeded('mallory');
  assert.equal(breaks.broke('mallory', MAILBOX, linkError), false);
  assert.deepEqual(breaks.setAside(['mallory']), []);
  assert.equal(breaks.broke('mallory', MAILBOX, linkError), true);
});

test('a mailbox is set aside with what was said at its latest break, for its own node alone', () => {
  const breaks = new Breaks();
  breaks.broke('mallory', MAILBOX, linkError);
  const latest = { ...linkError, message: 'the latest' };
  breaks.broke('mallory', MAILBOX, latest);
  breaks.broke('mallory', `${MAILBOX}.once`, linkError);
  assert.deepEqual(breaks.setAside(['alice', 'mallory']), [{ mailbox: MAILBOX, error: latest }]);
  assert.deepEqual(breaks.setAside(['alice']), []);
});
