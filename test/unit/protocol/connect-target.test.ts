import assert from 'node:assert/strict';
import test from 'node:test';
import { type Attempt, planAttempts, tryInTurn } from '../../../src/protocol/connect/connect-attempts.ts';
import { parseTarget, resolvePort, splitPort } from '../../../src/protocol/connect-target.ts';
import { type ErrorCode, SyncError } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { settingsFor } from '../../lab/settings.ts';

function isConfigError(error: unknown): boolean {
  return error instanceof SyncError && error.code === 'CONFIG' && error.hint !== undefined;
}

test('every spelling of a server', () => {
  const tcp = { kind: 'tcp', port: undefined, tls: false, noauth: false };
  assert.deepEqual(parseTarget('replica'), { ...tcp, host: 'replica' });
  assert.deepEqual(parseTarget('replica:2005'), { ...tcp, host: 'replica', port: '2005' });
  assert.deepEqual(parseTarget('replica:csync/tls'), { ...tcp, host: 'replica', port: 'csync', tls: true });
  assert.deepEqual(parseTarget('replica/noauth/tls'), { ...tcp, host: 'replica', tls: true, noauth: true });
  assert.deepEqual(parseTarget('::1'), { ...tcp, host: '::1' });
  assert.deepEqual(parseTarget('[::1]:2005'), { ...tcp, host: '::1', port: '2005' });
  assert.deepEqual(parseTarget('/run/cyrus/sync'), { kind: 'unix', path: '/run/cyrus/sync' });
  const longest = `/${'x'.repeat(106)}`;
  assert.deepEqual(parseTarget(longest), { kind: 'unix', path: longest });
});

test('a server that cannot be meant is refused before any connection', () => {
  for (const server of [
    '',
    ':2005',
    'replica:',
    'replica/ssl',
    'replica:2005/tls/x',
    `/${'x'.repeat(107)}`,
  ]) {
    assert.throws(() => parseTarget(server), isConfigError, server);
  }
});

test('ports by number, by the services file, by what is well known', () => {
  const services = () => '# comment\nimap2 143/tcp imap # IMAP\ncsync 3005/udp\nsync-a 4005/tcp\n';
  assert.equal(resolvePort('2005', services), 2005);
  assert.equal(resolvePort('imap', services), 143);
  assert.equal(resolvePort('sync-a', services), 4005);
  assert.equal(resolvePort('csync', services), 2005);
  assert.equal(resolvePort('imaps', services), 993);
  const none = () => '';
  assert.deepEqual(
    ['imap', 'csync', 'imaps', '1', '65535'].map((port) => resolvePort(port, none)),
    [143, 2005, 993, 1, 65_535],
  );
  for (const port of ['0', '65536', 'nonsense', '-1', '']) {
    assert.throws(() => resolvePort(port, services), isConfigError, port);
  }
});

test('an address to bind, with or without port', () => {
  assert.deepEqual(splitPort('127.0.0.1:0'), { host: '127.0.0.1', port: '0' });
  assert.deepEqual(splitPort('127.0.0.1'), { host: '127.0.0.1', port: undefined });
});

test('IMAP is tried first only where no port is given', () => {
  const plan = (server: string, changes: { port?: string; tryImap?: boolean }) =>
    planAttempts(parseTarget(server), settingsFor(server, changes)).map(({ service, accepted }) => [
      service,
      accepted.imap,
      accepted.csync,
    ]);
  assert.deepEqual(plan('replica', {}), [
    ['imap', true, true],
    ['csync', false, true],
  ]);
  assert.deepEqual(plan('replica', { tryImap: false }), [['csync', false, true]]);
  assert.deepEqual(plan('replica', { port: '2005' }), [['2005', true, true]]);
  assert.deepEqual(plan('replica:143', { tryImap: false }), [['csync', false, true]]);
  assert.deepEqual(plan('/run/sync', {}), [['csync', true, true]]);
});

test('where IMAP fails csync is tried, and the failure told is that of the server that was there', async () => {
  const attempts = planAttempts(parseTarget('replica'), settingsFor('replica'));
  const outcome = (failures: Record<string, ErrorCode>) => {
    const tried: string[] = [];
    const connected = tryInTurn(attempts, async ({ service }: Attempt) => {
      tried.push(service);
      const code = failures[service];
      if (code !== undefined)
        throw new SyncError(code, service, { family: code === 'CONFIG' ? 'local' : 'link' });
      return service;
    });
    return { tried, connected };
  };
  assert.equal(await outcome({}).connected, 'imap');
  assert.equal(await outcome({ imap: 'CONNECT_FAILED' }).connected, 'csync');
  assert.equal(await outcome({ imap: 'NOT_A_SYNC_SERVER' }).connected, 'csync');
  const told = async (imap: ErrorCode, csync: ErrorCode): Promise<string> =>
    (await rejectsWith(outcome({ imap, csync }).connected, expectedCode(imap, csync))).message;
  assert.equal(await told('AUTHENTICATION_FAILED', 'CONNECT_FAILED'), 'imap');
  assert.equal(await told('CONNECT_FAILED', 'AUTHENTICATION_FAILED'), 'csync');
  assert.equal(await told('CONNECT_FAILED', 'CONNECT_FAILED'), 'csync');
  assert.equal(await told('NOT_A_SYNC_SERVER', 'AUTHENTICATION_FAILED'), 'csync');
  assert.equal(await told('REPLICA_BUSY', 'CONNECT_FAILED'), 'imap', 'a busy server is one to wait for');
  assert.equal(await told('NOT_A_SYNC_SERVER', 'REPLICA_BUSY'), 'csync', 'and so is the other one');
  for (const code of ['CONFIG', 'HOST_NOT_FOUND'] as const) {
    const { tried, connected } = outcome({ imap: code });
    await rejectsWith(connected, code);
    assert.deepEqual(tried, ['imap']);
  }
});

/** Nobody at the csync port says less than somebody at the IMAP port. */
function expectedCode(imap: ErrorCode, csync: ErrorCode): ErrorCode {
  return csync === 'CONNECT_FAILED' ? imap : csync;
}

test('a login in front of the server is refused without showing it', () => {
  for (const server of ['repl:hunter2@replica', 'hunter2@replica:2005', '[hunter2@::1]:2005']) {
    assert.throws(
      () => parseTarget(server),
      (error) =>
        error instanceof SyncError &&
        error.code === 'CONFIG' &&
        /sync_password/.test(error.hint ?? '') &&
        !`${error.message}${error.hint}`.includes('hunter2'),
    );
  }
});
