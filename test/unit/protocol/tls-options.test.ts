import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { before } from 'node:test';
import { rootCertificates } from 'node:tls';
import { tlsFailure } from '../../../src/protocol/handshake/tls-failure.ts';
import { tlsOptions } from '../../../src/protocol/handshake/tls-options.ts';
import { type Certificate, selfSigned } from '../../lab/certificate.ts';
import { NO_TLS } from '../../lab/settings.ts';

let certificate: Certificate;
before(() => {
  certificate = selfSigned('DNS:localhost');
});

test('a server is asked for by its name, not by an address', () => {
  assert.deepEqual(tlsOptions('replica.example', NO_TLS), {
    host: 'replica.example',
    servername: 'replica.example',
    rejectUnauthorized: true,
  });
  for (const address of ['192.0.2.1', '2001:db8::1'])
    assert.deepEqual(tlsOptions(address, NO_TLS), { host: address, rejectUnauthorized: true });
});

test('an authority has to vouch unless verification is off, or the certificate is known by its octets', () => {
  const isVerified = (changes: Partial<typeof NO_TLS>) =>
    tlsOptions('r', { ...NO_TLS, ...changes }).rejectUnauthorized;
  assert.equal(isVerified({ verify: false }), false);
  assert.equal(isVerified({ fingerprints: ['AB'] }), false);
  assert.equal(isVerified({ verify: false, fingerprints: ['AB'] }), false);
});

test('versions and ciphers are those of the settings', () => {
  const { minVersion, maxVersion, ciphers } = tlsOptions('r', {
    ...NO_TLS,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: 'HIGH',
  });
  assert.deepEqual([minVersion, maxVersion, ciphers], ['TLSv1.2', 'TLSv1.3', 'HIGH']);
});

test('a certificate of our own comes with its key, from a file of its own or from the same', () => {
  const { certFile, keyFile } = certificate;
  const own = readFileSync(certFile, 'utf8');
  const { cert, key } = tlsOptions('r', { ...NO_TLS, certFile });
  assert.deepEqual([cert, key], [own, own]);
  const apart = tlsOptions('r', { ...NO_TLS, certFile, keyFile });
  assert.deepEqual([apart.cert, apart.key], [own, readFileSync(keyFile, 'utf8')]);
  const keyAlone = tlsOptions('r', { ...NO_TLS, keyFile });
  assert.deepEqual([keyAlone.cert, keyAlone.key], [undefined, readFileSync(keyFile, 'utf8')]);
});

test('authorities of a file and of a directory are trusted beside the public ones', () => {
  const caDirectory = join(dirname(certificate.certFile), 'authorities');
  mkdirSync(caDirectory);
  for (const name of ['a.pem', 'b.crt', 'c.0', 'README', 'd.key', 'e.pem.bak'])
    writeFileSync(join(caDirectory, name), name);
  const caOf = (changes: Partial<typeof NO_TLS>) => tlsOptions('r', { ...NO_TLS, ...changes }).ca;
  const file = readFileSync(certificate.certFile, 'utf8');
  assert.deepEqual(caOf({ caFile: certificate.certFile }), [...rootCertificates, file]);
  const both = caOf({ caFile: certificate.certFile, caDirectory });
  assert.deepEqual(both?.slice(0, rootCertificates.length + 1), [...rootCertificates, file]);
  assert.deepEqual([...(both?.slice(rootCertificates.length + 1) ?? [])].sort(), ['a.pem', 'b.crt', 'c.0']);
  assert.throws(() => caOf({ caDirectory: '/no/such/directory' }), { code: 'CONFIG', phase: 'connect' });
});

test('what the network did may go better another time, what two ends cannot agree on will not', () => {
  const failure = (code?: string) =>
    tlsFailure(Object.assign(new Error('x'), code === undefined ? {} : { code }), 'r');
  for (const code of [undefined, 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])
    assert.equal(failure(code).retryable, true, code);
  for (const code of ['ERR_SSL_WRONG_VERSION_NUMBER', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_HAS_EXPIRED'])
    assert.equal(failure(code).retryable, false, code);
  for (const code of [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])
    assert.match(failure(code).hint ?? '', /authority/, code);
  assert.match(failure('ERR_SSL_WRONG_VERSION_NUMBER').hint ?? '', /TLS version in common/);
  assert.equal(failure().message, 'TLS with r failed: x');
  assert.equal(failure('E').message, 'TLS with r failed: x (E)');
});
