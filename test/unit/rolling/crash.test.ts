import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Action } from '../../../src/replicate/jobs/action.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { LogParser } from '../../../src/rolling/log/log-parser.ts';
import { actionsOfLine } from '../../../src/rolling/queue/actions-of-line.ts';
import { Coalescer } from '../../../src/rolling/queue/coalescer.ts';
import { logLine, ownerOf, plain } from './names.ts';
import { failed, isUser, linkError, Site } from './site.ts';

/** The story of a site, step by step. */
type Step =
  | { kind: 'change'; lines: LogLine[] }
  | { kind: 'wait'; time: number }
  | { kind: 'kill' }
  | { kind: 'stop' }
  | { kind: 'replica'; up: boolean }
  | { kind: 'trouble'; user: string; what: 'locked' | 'failing' | 'breaking' | 'none' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      { kind: fc.constant('change' as const), lines: fc.array(logLine, { minLength: 1, maxLength: 4 }) },
      plain,
    ),
  },
  {
    weight: 5,
    arbitrary: fc.record(
      { kind: fc.constant('wait' as const), time: fc.integer({ min: 1, max: 4000 }) },
      plain,
    ),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'stop' as const) }, plain) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replica' as const), up: fc.boolean() }, plain) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        kind: fc.constant('trouble' as const),
        user: fc.constantFrom('alice', 'bob', 'carol'),
        what: fc.constantFrom('locked' as const, 'failing' as const, 'breaking' as const, 'none' as const),
      },
      plain,
    ),
  },
);

/** Tells whether `log` and `log-run` name something that covers the object, as a fresh start would understand them. */
function assertDiskCovers(site: Site): void {
  const coalescer = new Coalescer(ownerOf);
  const parser = new LogParser();
  const text = site
    .linesOnDisk()
    .map((line) => `${line}\n`)
    .join('');
  for (const parsed of parser.feed(Buffer.from(text, 'latin1'))) {
    assert.equal(parsed.kind, 'line', text);
    if (parsed.kind === 'line') coalescer.addTied(actionsOfLine(parsed.line));
  }
  const actions: Action[] = coalescer.units().flatMap((unit) => unit.actions);
  for (const object of site.behind()) {
    assert.ok(
      actions.some((action) => Site.copies(action, object)),
      `${object} is not done, and the disk says only:\n${text}`,
    );
  }
}

for (const relogLocked of [false, true]) {
  test(`killed, stopped, cut off and in trouble at any moment: nothing is lost (${relogLocked ? 're-logging' : 'parking'})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        using site = new Site(relogLocked ? 'ch' : undefined);
        const trouble = new Map<string, string>();
        site.workTime = (action) => (action.kind === 'user' ? 1500 : 300);
        site.resultOf = (action) => {
          for (const [user, what] of trouble) {
            if (!isUser(action, user)) continue;
            if (what === 'locked') return { kind: 'locked', user };
            if (what === 'failing') return failed();
            if (what === 'breaking') return { kind: 'failed', error: linkError };
          }
          return undefined;
        };
        let running = site.start({ relogLocked, parallel: 2 });
        for (const one of steps) {
          switch (one.kind) {
            case 'change':
              await site.change(...one.lines);
              break;
            case 'wait':
              await site.clock.advance(one.time);
              break;
            case 'kill':
              await site.kill();
              running = site.start({ relogLocked, parallel: 2 });
              break;
            case 'stop':
              running.daemon.stop();
              await site.clock.advance(60_000);
              assert.equal(running.ended()?.reason, 'signal');
              running = site.start({ relogLocked, parallel: 2 });
              break;
            case 'replica':
              site.replicaUp = one.up;
              break;
            case 'trouble':
              trouble.set(one.user, one.what);
              break;
          }
          assertDiskCovers(site);
        }
        trouble.clear();
        site.replicaUp = true;
        for (let i = 0; i < 60 && site.behind().length + site.linesOnDisk().length > 0; i++) {
          await site.clock.advance(60_000);
        }
        assert.deepEqual(site.behind(), []);
        assert.deepEqual(site.linesOnDisk(), []);
        running.daemon.stop();
        await site.clock.advance(1);
      }),
      { numRuns: 40 },
    );
  });
}

test('who fails while a shared mailbox becomes one of theirs, and is changed meanwhile, loses no line', async () => {
  using site = new Site();
  site.workTime = (action) => (action.kind === 'user' ? 1500 : 300);
  let failing = true;
  site.resultOf = (action) => (failing && isUser(action, 'alice') ? failed() : undefined);
  const { daemon } = site.start();
  await site.change(
    { type: 'UNUSER', userid: 'alice' },
    { type: 'RENAME', from: 'shared.news', to: 'user.alice' },
  );
  await site.clock.advance(1);
  await site.change({ type: 'MAILBOX', name: 'user.alice' });
  await site.clock.advance(1599);
  await site.change({ type: 'MAILBOX', name: 'user.alice' });
  failing = false;
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
  daemon.stop();
  await site.clock.advance(1);
});
