import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import test from 'node:test';
import { isLocal } from '../../../src/protocol/handshake/open-socket.ts';
import { tcpOptions } from '../../../src/protocol/handshake/tcp-options.ts';
import { settingsFor } from '../../lab/settings.ts';

test('what is small leaves at once; probes begin after the seconds that are set, or not at all', () => {
  const settings = settingsFor('replica');
  assert.deepEqual(tcpOptions('replica', '2005', settings), { host: 'replica', port: 2005, noDelay: true });
  assert.deepEqual(tcpOptions('replica', '143', { ...settings, keepaliveSeconds: 30 }), {
    host: 'replica',
    port: 143,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
  });
});

test('our own end is an address, with a port where one is named', () => {
  const ownEnd = (localAddress: string) => {
    const {
      localAddress: address,
      localPort,
      family,
    } = tcpOptions('replica', '2005', {
      ...settingsFor('replica'),
      localAddress,
    });
    return [address, localPort, family];
  };
  assert.deepEqual(ownEnd('127.0.0.2'), ['127.0.0.2', undefined, 4]);
  assert.deepEqual(ownEnd('127.0.0.2:0'), ['127.0.0.2', undefined, 4]);
  assert.deepEqual(ownEnd('127.0.0.2:4000'), ['127.0.0.2', 4000, 4]);
  assert.deepEqual(ownEnd('[::1]:4000'), ['::1', 4000, 6]);
  assert.throws(() => ownEnd('elsewhere'), { code: 'CONFIG', hint: 'Check client_bind_name' });
});

/** A socket whose other end is there. */
function socketTo(remoteAddress: string | undefined): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  return socket;
}

test('the peer is on this host by its address alone, or over a socket in the file system', () => {
  const tcp = { kind: 'tcp', host: 'localhost', port: undefined, tls: false, noauth: false } as const;
  const isLocalAt = (address: string | undefined) => isLocal(tcp, socketTo(address));
  for (const address of ['127.0.0.1', '127.8.8.8', '::ffff:127.0.0.1', '::1'])
    assert.ok(isLocalAt(address), address);
  for (const address of ['10.127.0.1', '128.0.0.1', '::ffff:10.0.0.1', '::2', 'fe80::1', undefined])
    assert.ok(!isLocalAt(address), address);
  assert.ok(isLocal({ kind: 'unix', path: '/run/sync' }, socketTo(undefined)));
});
