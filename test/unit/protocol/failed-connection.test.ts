import assert from 'node:assert/strict';
import test from 'node:test';
import { connectFailure, linkLost } from '../../../src/protocol/link-errors.ts';
import type { SyncError } from '../../../src/report/sync-error.ts';

/*
 * Contract: scripts go by the code of a failed connection (with --exit-codes extended it is the exit code), and a run by
 * `family` and `retryable`: whether to wait, to end, or to look for the cause on this host.
 */

function systemError(code: string, syscall = 'connect'): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

const NETWORK = ['link', true] as const;
const SETTINGS = ['link', false] as const;
const HERE = ['local', true] as const;

for (const [errno, syscall, code, [family, retryable], hint] of [
  ['ECONNREFUSED', 'connect', 'CONNECT_FAILED', NETWORK, /sync_server/],
  ['ECONNRESET', 'read', 'CONNECT_FAILED', NETWORK, /replica is up/],
  ['ETIMEDOUT', 'connect', 'CONNECT_FAILED', NETWORK, /replica is up/],
  ['EHOSTUNREACH', 'connect', 'CONNECT_FAILED', NETWORK, /way to it/],
  ['ENETUNREACH', 'connect', 'CONNECT_FAILED', NETWORK, /way to it/],
  ['EAGAIN', 'connect', 'CONNECT_FAILED', NETWORK, /replica is up/],
  ['ENOENT', 'connect', 'CONNECT_FAILED', NETWORK, /no such socket/],
  ['EADDRNOTAVAIL', 'connect', 'CONNECT_FAILED', NETWORK, /used up/],
  ['EADDRNOTAVAIL', 'bind', 'CONNECT_FAILED', SETTINGS, /client_bind_name/],
  ['EACCES', 'connect', 'CONNECT_FAILED', SETTINGS, /may not open/],
  ['EPERM', 'connect', 'CONNECT_FAILED', SETTINGS, /forbids/],
  ['ENOTFOUND', 'getaddrinfo', 'HOST_NOT_FOUND', SETTINGS, /spelling/],
  ['EAI_AGAIN', 'getaddrinfo', 'HOST_NOT_FOUND', NETWORK, /name servers/],
  ['EAI_FAIL', 'getaddrinfo', 'HOST_NOT_FOUND', NETWORK, /name servers/],
  ['EMFILE', 'connect', 'TOO_MANY_FILES', HERE, /ulimit/],
  ['ENFILE', 'connect', 'TOO_MANY_FILES', HERE, /ulimit/],
] as const) {
  test(`${errno} of ${syscall} is ${code}, ${retryable ? 'to be tried again' : 'final'}`, () => {
    const check = (error: SyncError): void => {
      assert.deepEqual(
        [error.code, error.family, error.retryable, error.phase],
        [code, family, retryable, 'connect'],
      );
      assert.match(error.hint ?? '', hint);
      assert.match(error.message, new RegExp(errno));
    };
    check(connectFailure(systemError(errno, syscall), 'replica'));
    // What Node gives when a name has several addresses, none of which would do.
    const several = new AggregateError([systemError(errno, syscall), systemError('ECONNREFUSED')]);
    check(connectFailure(several, 'replica'));
  });
}

test('a connection that was there and went is LINK_BROKEN, whatever the system calls it', () => {
  for (const errno of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']) {
    const error = linkLost(systemError(errno, 'read'), 'the connection broke');
    assert.deepEqual([error.code, error.family, error.retryable], ['LINK_BROKEN', 'link', true]);
    assert.match(error.message, new RegExp(errno));
  }
});
