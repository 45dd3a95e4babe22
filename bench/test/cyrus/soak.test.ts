import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from '../../soak/soak.ts';

/** Minutes, or until everything has happened once; `npm run soak` goes on for hours. */
const SHORT = 0.4;

test('under load, while the replica is cut off, restarted, filled and written to and the client killed, nothing is lost', async (t) => {
  const { samples, changes, happened } = await soak(
    { minutes: SHORT, users: 12, rate: 100, seed: 'short', everySeconds: 1 },
    () => undefined,
  );
  t.diagnostic(`${changes} changes, ${JSON.stringify(happened)}`);
  assert.ok(samples.length > 0, 'nobody looked at the client');
});
