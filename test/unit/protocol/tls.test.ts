import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import test, { before } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { type Certificate, selfSigned } from '../../lab/certificate.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { NO_TLS, settingsFor } from '../../lab/settings.ts';
import { OK_LINE, type Peer, ScriptedServer } from './support/scripted-server.ts';

/*
 * Contract: a certificate is verified, name included, unless verification is off; TLS is used where a password could
 * otherwise be read on the way; nothing said in clear before TLS is believed after it.
 */

let certificate: Certificate;
let foreign: Certificate;

before(() => {
  certificate = selfSigned('IP:127.0.0.1,DNS:localhost');
  foreign = selfSigned('DNS:other.example');
});

const AUTHENTICATE = `AUTHENTICATE PLAIN ${Buffer.from('\0repluser\0repl').toString('base64')}`;

/** Offers SCRAM-less login only inside TLS, as `allowplaintext: no` does. */
async function starttlsServer(peer: Peer, own: Certificate): Promise<void> {
  peer.send(`* STARTTLS\r\n* COMPRESS DEFLATE\r\n${OK_LINE}`);
  await peer.expect('STARTTLS');
  peer.send('OK Begin TLS negotiation now\r\n');
  await peer.startTls(own);
  peer.send(`* SASL PLAIN\r\n${OK_LINE}`);
  await peer.expect(AUTHENTICATE);
  peer.send('OK Success (tls protection)\r\n');
  await peer.expect('NOOP');
  peer.send('OK Noop completed\r\n');
  await peer.closed();
}

/** The client gives up during the handshake, which ends the script with an error of no interest. */
async function abandoned(peer: Peer, own: Certificate): Promise<void> {
  peer.send(`* STARTTLS\r\n${OK_LINE}`);
  await peer.expect('STARTTLS');
  peer.send('OK Begin TLS negotiation now\r\n');
  await peer.startTls(own);
  await peer.closed();
}

test('STARTTLS with a verified certificate where no mechanism is offered in clear', async () => {
  await using server = await ScriptedServer.start((peer) => starttlsServer(peer, certificate));
  const tls = { ...NO_TLS, caFile: certificate.certFile };
  const session = await connectReplica(settingsFor(server.address, { tls }));
  assert.deepEqual([session.info.tls, session.info.compression], [true, false]);
  await session.noop();
  session.destroy();
});

test('a self-signed certificate is refused, with what to do about it', async () => {
  await using server = await ScriptedServer.start((peer) => abandoned(peer, certificate));
  const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'TLS_FAILED', /self.signed/);
  assert.equal(error.retryable, false);
  assert.match(error.hint ?? '', /authority/);
});

test('a certificate for another host is refused', async () => {
  await using server = await ScriptedServer.start((peer) => abandoned(peer, foreign));
  const tls = { ...NO_TLS, caFile: foreign.certFile };
  const error = await rejectsWith(
    connectReplica(settingsFor(server.address, { tls })),
    'TLS_FAILED',
    /ALTNAME/,
  );
  assert.equal(error.retryable, false);
});

test('the environment does not turn verification off', async () => {
  await using server = await ScriptedServer.start((peer) => abandoned(peer, certificate));
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  try {
    await rejectsWith(connectReplica(settingsFor(server.address)), 'TLS_FAILED', /self.signed/);
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

test('verification can be turned off', async () => {
  await using server = await ScriptedServer.start((peer) => starttlsServer(peer, foreign));
  const session = await connectReplica(settingsFor(server.address, { tls: { ...NO_TLS, verify: false } }));
  assert.equal(session.info.tls, true);
  await session.noop();
  session.destroy();
});

test('a certificate whose fingerprint is named needs no authority, and no other one will do', async () => {
  const { fingerprint256 } = new X509Certificate(foreign.cert);
  const tls = { ...NO_TLS, fingerprints: ['AA', fingerprint256] };
  await using right = await ScriptedServer.start((peer) => starttlsServer(peer, foreign));
  const session = await connectReplica(settingsFor(right.address, { tls }));
  assert.equal(session.info.tls, true);
  await session.noop();
  session.destroy();
  await using wrong = await ScriptedServer.start((peer) => abandoned(peer, certificate));
  for (const verify of [true, false]) {
    const error = await rejectsWith(
      connectReplica(settingsFor(wrong.address, { tls: { ...tls, verify } })),
      'TLS_FAILED',
      /another one than tls_fingerprint names/,
    );
    assert.equal(error.retryable, false);
  }
});

test('nothing can be seen on the way to another host whose certificate is verified, or known by its fingerprint', async () => {
  const elsewhere = { isLocal: () => false };
  const exposure = async (tls: typeof NO_TLS) => {
    await using server = await ScriptedServer.start((peer) => starttlsServer(peer, certificate));
    const session = await connectReplica(settingsFor(server.address, { tls }), {}, elsewhere);
    await session.noop();
    session.destroy();
    return session.info.exposure;
  };
  assert.equal(await exposure({ ...NO_TLS, caFile: certificate.certFile }), undefined);
  const { fingerprint256 } = new X509Certificate(certificate.cert);
  assert.equal(await exposure({ ...NO_TLS, verify: false, fingerprints: [fingerprint256] }), undefined);
});

test('a peer that goes silent within the TLS handshake is given up when the time is over', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.octets(1);
    await peer.closed();
  });
  const settings = settingsFor(`${server.address}/tls`, { connectTimeoutMs: 1_000 });
  await rejectsWith(connectReplica(settings), 'CONNECT_TIMEOUT', /TLS handshake/);
});

test('/tls starts TLS before the banner', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.startTls(certificate);
    peer.send(`* SASL PLAIN\r\n${OK_LINE}`);
    await peer.expect(AUTHENTICATE);
    peer.send('OK Success (tls protection)\r\n');
    await peer.closed();
  });
  const tls = { ...NO_TLS, caFile: certificate.certFile };
  const session = await connectReplica(settingsFor(`${server.address}/tls`, { tls }));
  assert.equal(session.info.tls, true);
  session.destroy();
});

test('/tls against a server that speaks in clear is TLS_FAILED, not a hang', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(OK_LINE);
    await peer.closed();
  });
  const error = await rejectsWith(connectReplica(settingsFor(`${server.address}/tls`)), 'TLS_FAILED');
  assert.equal(error.retryable, false, 'it will speak in clear the next time too');
});

test('a server that closes in the middle of the TLS handshake may be tried again', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    await peer.octets(1);
    peer.reset();
  });
  const error = await rejectsWith(connectReplica(settingsFor(`${server.address}/tls`)), 'TLS_FAILED');
  assert.equal(error.retryable, true);
});

test('TLS that is required is used although a login in clear would do', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send('* SASL PLAIN\r\n');
    await starttlsServer(peer, certificate);
  });
  const tls = { ...NO_TLS, mode: 'required' as const, caFile: certificate.certFile };
  const session = await connectReplica(settingsFor(server.address, { tls }));
  assert.equal(session.info.tls, true);
  await session.noop();
  session.destroy();
});

test('TLS that is required and not offered ends the attempt before the password is sent', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* SASL PLAIN\r\n${OK_LINE}`);
    await peer.closed();
  });
  const tls = { ...NO_TLS, mode: 'required' as const };
  await rejectsWith(connectReplica(settingsFor(server.address, { tls })), 'TLS_FAILED', /STARTTLS/);
});

test('answers slipped in before TLS are refused', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* STARTTLS\r\n${OK_LINE}`);
    await peer.expect('STARTTLS');
    peer.send(`OK Begin TLS negotiation now\r\n* SASL PLAIN\r\n${OK_LINE}`);
    await peer.closed();
  });
  const error = await rejectsWith(connectReplica(settingsFor(server.address)), 'TLS_FAILED', /in clear/);
  assert.equal(error.retryable, false);
});

test('a certificate file that cannot be read is named', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* STARTTLS\r\n${OK_LINE}`);
    await peer.expect('STARTTLS');
    peer.send('OK Begin TLS negotiation now\r\n');
    await peer.closed();
  });
  const tls = { ...NO_TLS, caFile: '/no/such/file.pem' };
  await rejectsWith(connectReplica(settingsFor(server.address, { tls })), 'CONFIG', /\/no\/such\/file\.pem/);
});

test('a banner without STARTTLS from another host ends the attempt before anything is sent', async () => {
  await using server = await ScriptedServer.start(async (peer) => {
    peer.send(`* SASL SCRAM-SHA-256\r\n${OK_LINE}`);
    await peer.closed();
  });
  const error = await rejectsWith(
    connectReplica(settingsFor(server.address), {}, { isLocal: () => false }),
    'TLS_FAILED',
    /STARTTLS/,
  );
  assert.equal(error.retryable, false);
  assert.match(error.hint ?? '', /tls = off/);
});
