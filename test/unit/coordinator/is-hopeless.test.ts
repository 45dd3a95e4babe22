import assert from 'node:assert/strict';
import test from 'node:test';
import { isHopeless } from '../../../src/coordinator/run/is-hopeless.ts';
import { errorData } from '../../lab/pool-fakes.ts';

test('no connection is waited for that waiting does not bring, unless one has worked', () => {
  const passing = errorData('CONNECT_FAILED', 'link', { retryable: true });
  const wrong = errorData('AUTHENTICATION_FAILED', 'link');
  assert.deepEqual([isHopeless(passing, false), isHopeless(passing, true)], [false, false]);
  assert.deepEqual([isHopeless(wrong, false), isHopeless(wrong, true)], [true, false]);
});

test('what is wrong on this host ends a run, but not that it has no descriptors left for the moment', () => {
  for (const everConnected of [false, true]) {
    assert.equal(isHopeless(errorData('CONFIG', 'local'), everConnected), true);
    assert.equal(isHopeless(errorData('TOO_MANY_FILES', 'local', { retryable: true }), everConnected), false);
  }
});
