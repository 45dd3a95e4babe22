import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import test from 'node:test';
import { parseArguments } from '../../../src/cli/arguments/arguments.ts';
import { connectionSettings, shortHost } from '../../../src/cli/run-plan/connection-settings.ts';
import { defaultSettings, type Settings } from '../../../src/config/settings.ts';
import type { ConnectionSettings } from '../../../src/protocol/connection-settings.ts';
import { assertRefused, configOf } from '../../lab/config-of.ts';

function connection(
  lines: string,
  argv: string[] = [],
  settings: Partial<Settings> = {},
): ConnectionSettings {
  const args = parseArguments(['-A', ...argv]);
  return connectionSettings(configOf(lines), { ...defaultSettings(), ...settings }, args, args.channel);
}

test('the defaults are those of Cyrus, but verified and never in clear', () => {
  assert.deepEqual(connection('sync_host: replica'), {
    server: 'replica',
    port: undefined,
    tryImap: true,
    authname: undefined,
    realm: undefined,
    password: undefined,
    mechanisms: undefined,
    localAddress: undefined,
    connectTimeoutMs: 10_000,
    answerTimeoutMs: 1_800_000,
    keepaliveSeconds: undefined,
    tls: {
      mode: 'auto',
      verify: true,
      fingerprints: [],
      caFile: undefined,
      caDirectory: undefined,
      certFile: undefined,
      keyFile: undefined,
      minVersion: undefined,
      maxVersion: undefined,
      ciphers: undefined,
    },
    allowClearText: false,
    compression: { mode: 'auto', level: undefined },
    sieveMailbox: true,
    stageToArchive: false,
    windowOctets: 4_194_304,
  });
});

test('without a server there is nothing to do: sync_host not defined, and what to set', () => {
  assertRefused(() => connection(''), /^sync_host not defined$/, 'SYNC_HOST_NOT_DEFINED');
  assert.throws(
    () => connection('', ['-n', 'east']),
    (error: Error & { hint?: string }) =>
      /east_sync_host or sync_host in \/etc\/imapd\.conf/.test(error.hint ?? ''),
  );
});

test('replica_imap is spelled as a server is, and refused by its own name before anything is opened', () => {
  const { imapServer } = connection('sync_host: replica', [], { replicaImap: 'mail:993/tls' });
  assert.equal(imapServer, 'mail:993/tls');
  for (const replicaImap of ['', 'mail:0', 'mail/ssl', 'admin:secret@mail']) {
    assert.throws(
      () => connection('sync_host: replica', [], { replicaImap }),
      (error: Error & { code?: string }) =>
        error.code === 'CONFIG' && /^replica_imap: /.test(error.message) && !/secret/.test(error.message),
      replicaImap,
    );
  }
});

test('a server that cannot be spelled so is refused before anything is opened, and names the option', () => {
  assertRefused(() => connection('', ['-S', 'host:99999']), /^-S: .*port.*99999/, 'USAGE');
  assertRefused(() => connection('', ['-S', 'host/tsl']), /^-S: expected host, .*host\/tsl/, 'USAGE');
  assertRefused(() => connection('', ['-S', ':2005']), /^-S: expected host, /, 'USAGE');
  assertRefused(() => connection('sync_host: host:no-such-service'), /no-such-service/, 'CONFIG');
  assertRefused(() => connection('sync_host: host\nsync_port: no-such-service'), /no-such-service/, 'CONFIG');
  // A port that is not used is nobody's concern.
  assert.equal(connection('sync_host: /run/csync\nsync_port: no-such-service').server, '/run/csync');
});

test('-S wins over the channel, the channel over the plain option', () => {
  const lines = 'sync_host: plain\neast_sync_host: east';
  assert.equal(connection(lines).server, 'plain');
  assert.equal(connection(lines, ['-n', 'east']).server, 'east');
  assert.equal(connection(lines, ['-n', 'east', '-S', 'own:2005/tls']).server, 'own:2005/tls');
});

test('a channel has its own login, port and flavour', () => {
  const lines = [
    'sync_host: plain',
    'sync_authname: general',
    'sync_password: p\u00c3\u00b6',
    'east_sync_authname: east',
    'east_sync_realm: realm',
    'east_sync_port: 2005',
    'east_sync_try_imap: no',
  ].join('\n');
  const { authname, realm, password, port, tryImap } = connection(lines, ['-n', 'east']);
  assert.deepEqual(
    { authname, realm, password, port, tryImap },
    { authname: 'east', realm: 'realm', password: 'p\u00c3\u00b6', port: '2005', tryImap: false },
  );
});

test('the short name of a host ends at its first dot or its port; a socket has none', () => {
  assert.equal(shortHost('replica.example.org:2005/tls'), 'replica');
  assert.equal(shortHost('Replica:2005'), 'replica');
  assert.equal(shortHost('127.0.0.1'), '127');
  assert.equal(shortHost('/run/sync.sock'), undefined);
});

test('mechanisms: those of the host, else the forced one, in upper case', () => {
  const lines = 'force_sasl_client_mech: plain\nreplica_mechs: scram-sha-256  Scram-Sha-1,login';
  assert.deepEqual(connection(lines, ['-S', 'replica.example.org']).mechanisms, [
    'SCRAM-SHA-256',
    'SCRAM-SHA-1',
    'LOGIN',
  ]);
  assert.deepEqual(connection(lines, ['-S', 'other']).mechanisms, ['PLAIN']);
  assert.deepEqual(connection(lines, ['-S', '/sock']).mechanisms, ['PLAIN']);
});

test('a password of the host stands in for sync_password', () => {
  const lines = 'replica_password: host';
  assert.equal(connection(lines, ['-S', 'replica:1']).password, 'host');
  assert.equal(connection(`${lines}\nsync_password: sync`, ['-S', 'replica:1']).password, 'sync');
});

test('a client certificate of the host wins over the general one', () => {
  const lines = 'tls_client_cert: /c\ntls_client_key: /k\nreplica_client_cert: /rc\nreplica_client_key: /rk';
  const own = connection(lines, ['-S', 'replica']).tls;
  assert.deepEqual([own.certFile, own.keyFile], ['/rc', '/rk']);
  const general = connection(lines, ['-S', 'other']).tls;
  assert.deepEqual([general.certFile, general.keyFile], ['/c', '/k']);
});

test('authorities and ciphers', () => {
  const lines = 'sync_host: r\ntls_server_ca_file: /ca.pem\ntls_server_ca_dir: /ca\ntls_ciphers: HIGH';
  const { caFile, caDirectory, ciphers } = connection(lines).tls;
  assert.deepEqual([caFile, caDirectory, ciphers], ['/ca.pem', '/ca', 'HIGH']);
  assert.equal(connection('sync_host: r\ntls_ciphers: DEFAULT').tls.ciphers, undefined);
});

test('tls_versions becomes a range; unset it is left to the safer default', () => {
  const range = (list: string): (string | undefined)[] => {
    const { minVersion, maxVersion } = connection(`sync_host: r\ntls_versions: ${list}`).tls;
    return [minVersion, maxVersion];
  };
  assert.deepEqual(range('tls1_3 tls1_2'), ['TLSv1.2', 'TLSv1.3']);
  assert.deepEqual(range('tls1_0 tls1_1 tls1_2 tls1_3'), ['TLSv1', 'TLSv1.3']);
  assert.deepEqual(range('ssl3 tls1_2'), ['TLSv1.2', 'TLSv1.2']);
  assertRefused(
    () => range('ssl3'),
    /^\/etc\/imapd\.conf:2: tls_versions: expected at least one of tls1_0.*"ssl3"/,
  );
});

test('timeouts have their least', () => {
  const { connectTimeoutMs, answerTimeoutMs } = connection(
    'sync_host: r\nclient_timeout: 0\nsync_timeout: 1s',
  );
  assert.deepEqual([connectTimeoutMs, answerTimeoutMs], [1_000, 3_000]);
});

test('keepalive only when it is on; 0 leaves the idle time to the system', () => {
  assert.equal(connection('sync_host: r\ntcp_keepalive_idle: 30').keepaliveSeconds, undefined);
  assert.equal(connection('sync_host: r\ntcp_keepalive: yes\ntcp_keepalive_idle: 1m').keepaliveSeconds, 60);
  assert.equal(connection('sync_host: r\ntcp_keepalive: yes').keepaliveSeconds, 0);
});

test('client_bind: the name given, else that of the server, else of the host; never for a socket', () => {
  const bound = (lines: string, server = 'r'): string | undefined =>
    connection(`client_bind: yes\n${lines}`, ['-S', server]).localAddress;
  assert.equal(bound('client_bind_name: 127.0.0.9\nservername: s'), '127.0.0.9');
  assert.equal(bound('servername: s'), 's');
  assert.equal(bound(''), hostname());
  assert.equal(bound('servername: s', '/sock'), undefined);
  assert.equal(connection('client_bind_name: 127.0.0.9', ['-S', 'r']).localAddress, undefined);
});

test('our own settings and -z, -O', () => {
  const own = connection('sync_host: r', ['-O'], {
    tls: 'required',
    tlsVerify: false,
    allowClearText: true,
    compression: 'off',
    compressionLevel: 9,
    windowOctets: 65_536,
  });
  assert.deepEqual([own.tls.mode, own.tls.verify, own.allowClearText], ['required', false, true]);
  assert.deepEqual([own.compression, own.windowOctets], [{ mode: 'off', level: 9 }, 65_536]);
  assert.equal(connection('sync_host: r', ['-z'], { compression: 'off' }).compression.mode, 'required');
});
