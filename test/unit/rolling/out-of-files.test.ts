import assert from 'node:assert/strict';
import test from 'node:test';
import type { ErrorData } from '../../../src/report/sync-error.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { Site } from './site.ts';

const USERS = Array.from({ length: 256 }, (_, index) => `u${index}`);

const outOfFiles: ErrorData = {
  code: 'TOO_MANY_FILES',
  family: 'local',
  message: 'EMFILE: too many open files',
  retryable: true,
};

/** A host with descriptors for so many units at once. */
function limited(site: Site, most: number): void {
  let running = 0;
  site.workTime = () => {
    running++;
    return 100;
  };
  site.resultOf = () => {
    const tooMany = running > most;
    running--;
    return tooMany ? { kind: 'failed', error: outOfFiles } : undefined;
  };
}

test('without descriptors all wait, fewer run at once, nobody is blamed, and the log stays short', async () => {
  using site = new Site();
  limited(site, 20);
  await site.change(...USERS.map((user): LogLine => ({ type: 'MAILBOX', name: `user.${user}` })));
  site.start({ parallel: 256, openFiles: 400 });
  await site.clock.advance(60_000);
  assert.deepEqual(site.behind(), []);
  const told = site.eventsOf('host:out-of-files');
  assert.ok(told.length > 0 && told.length < 8, `${told.length} lines`);
  assert.ok(told.every(({ limit }) => limit === 400));
  assert.deepEqual(site.eventsOf('rolling:retry'), []);
  assert.deepEqual(site.eventsOf('rolling:quarantined'), []);
  assert.deepEqual(site.eventsOf('rolling:promoted'), [], 'nothing is promoted for it');
});

test('-1 does everything all the same', async () => {
  using site = new Site();
  limited(site, 20);
  await site.change(...USERS.map((user): LogLine => ({ type: 'MAILBOX', name: `user.${user}` })));
  const { ended } = site.start({ once: true, parallel: 256 });
  await site.clock.advance(60_000);
  assert.deepEqual(ended(), { reason: 'once', unfinished: 0, failures: [] });
  assert.deepEqual(site.behind(), []);
});
