import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import { type Certificate, selfSigned } from '../../lab/certificate.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { NO_TLS, settingsFor } from '../../lab/settings.ts';
import { OK_LINE, type Peer, ScriptedServer } from './support/scripted-server.ts';

/*
 * Contract: inside TLS a SCRAM login is bound to that very connection where the server can (RFC 5802 section 6), and says that it
 * would be where the server says that it cannot: somebody in between can neither pass it on nor hide the offer.
 */

let certificate: Certificate;

before(() => {
  certificate = selfSigned('IP:127.0.0.1,DNS:localhost');
});

interface Heard {
  mechanism: string;
  first: string;
  bound: Buffer;
  finished: Buffer | undefined;
}

/** Offers these mechanisms, hears the login up to its proof, and refuses it. */
async function listen(peer: Peer, offer: string, hears: (heard: Heard) => void): Promise<void> {
  const [, mechanism = '', initial = ''] = (await peer.line()).split(' ');
  const first = Buffer.from(initial, 'base64').toString();
  const nonce = /r=([^,]+)/.exec(first)?.[1];
  assert.ok(offer.split(' ').includes(mechanism));
  peer.send(`+ ${Buffer.from(`r=${nonce}more,s=c2FsdA==,i=4096`).toString('base64')}\r\n`);
  const final = Buffer.from(await peer.line(), 'base64').toString();
  const bound = Buffer.from(/^c=([^,]+)/.exec(final)?.[1] ?? '', 'base64');
  hears({ mechanism, first, bound, finished: peer.finishedOfClient });
  peer.send('NO not today\r\n');
  await peer.closed();
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`over ${version} what is signed ends in the client's Finished, as the server has it`, async () => {
    const offer = 'SCRAM-SHA-256 SCRAM-SHA-256-PLUS';
    const heard: Heard[] = [];
    await using server = await ScriptedServer.start(async (peer) => {
      peer.send(`* STARTTLS\r\n${OK_LINE}`);
      await peer.expect('STARTTLS');
      peer.send('OK Begin TLS negotiation now\r\n');
      await peer.startTls(certificate);
      peer.send(`* SASL ${offer}\r\n${OK_LINE}`);
      await listen(peer, offer, (one) => heard.push(one));
    });
    const tls = { ...NO_TLS, caFile: certificate.certFile, minVersion: version, maxVersion: version };
    await rejectsWith(connectReplica(settingsFor(server.address, { tls })), 'AUTHENTICATION_FAILED');
    const [{ mechanism, first, bound, finished } = assert.fail('no login')] = heard;
    assert.equal(mechanism, 'SCRAM-SHA-256-PLUS');
    assert.match(first, /^p=tls-unique,,n=repluser,/);
    assert.ok(finished !== undefined && finished.length >= 12);
    assert.ok(bound.equals(Buffer.concat([Buffer.from('p=tls-unique,,'), finished])));
  });
}

test('inside TLS a server that says it cannot is told that we can; in clear nothing is said of it', async () => {
  for (const [isSecure, header] of [
    [true, 'y,,'],
    [false, 'n,,'],
  ] as const) {
    const heard: Heard[] = [];
    await using server = await ScriptedServer.start(async (peer) => {
      if (isSecure) {
        peer.send(`* STARTTLS\r\n${OK_LINE}`);
        await peer.expect('STARTTLS');
        peer.send('OK Begin TLS negotiation now\r\n');
        await peer.startTls(certificate);
      }
      peer.send(`* SASL SCRAM-SHA-256\r\n${OK_LINE}`);
      await listen(peer, 'SCRAM-SHA-256', (one) => heard.push(one));
    });
    const tls = { ...NO_TLS, caFile: certificate.certFile };
    await rejectsWith(connectReplica(settingsFor(server.address, { tls })), 'AUTHENTICATION_FAILED');
    const [{ first, bound } = assert.fail('no login')] = heard;
    assert.ok(first.startsWith(`${header}n=`), first);
    assert.equal(String(bound), header);
  }
});
