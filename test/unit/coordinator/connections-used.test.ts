import assert from 'node:assert/strict';
import test from 'node:test';
import { ConnectionsUsed } from '../../../src/coordinator/run/connections-used.ts';

test('the most that were up at one time are told with the reason that held them there', () => {
  const used = new ConnectionsUsed();
  used.allow(2, 'begin');
  used.opened();
  used.opened();
  used.allow(2, 'host-busy');
  used.closed();
  used.opened();
  // Fewer were wanted later, for another reason.
  used.allow(1, 'begin');
  assert.deepEqual(used.summary, { most: 2, why: 'host-busy' });
});
