import assert from 'node:assert/strict';
import test from 'node:test';
import type { ConnectionSettings } from '../../../src/protocol/connection-settings.ts';
import {
  csyncOffer,
  imapCapabilities,
  imapOffer,
  type Offer,
} from '../../../src/protocol/handshake/offer.ts';
import { planLogin } from '../../../src/protocol/handshake/plan-login.ts';
import { compressionLevel } from '../../../src/protocol/handshake/start-compression.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { NO_TLS, settingsFor } from '../../lab/settings.ts';

const FULL = csyncOffer([
  '* SASL PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-1 DIGEST-MD5 CRAM-MD5',
  '* STARTTLS',
  '* COMPRESS DEFLATE',
  '* SIEVE-MAILBOX',
  '* REPLICATION-ARCHIVE',
  '* OK replica Cyrus sync server 3.6.1',
]);

test('a csync banner', () => {
  assert.deepEqual(FULL, {
    flavour: 'csync',
    banner: 'OK replica Cyrus sync server 3.6.1',
    mechanisms: ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'DIGEST-MD5', 'CRAM-MD5'],
    starttls: true,
    compress: true,
    sieveMailbox: true,
    archive: true,
    unmailboxId: false,
    replication: true,
    initialResponse: true,
  } satisfies Offer);
});

test('an IMAP capability list, from a greeting, an OK or its own line', () => {
  const list = ['IMAP4rev1', 'AUTH=PLAIN', 'auth=scram-sha-1', 'STARTTLS', 'SASL-IR', 'X-REPLICATION'];
  assert.deepEqual(imapCapabilities(`* OK [CAPABILITY ${list.join(' ')}] ready`), list);
  assert.deepEqual(imapCapabilities(`* CAPABILITY ${list.join(' ')}`), list);
  assert.equal(imapCapabilities('* OK ready'), undefined);
  const offer = imapOffer('* OK ready', list);
  assert.deepEqual(offer.mechanisms, ['PLAIN', 'SCRAM-SHA-1']);
  assert.deepEqual(
    [offer.starttls, offer.replication, offer.sieveMailbox, offer.initialResponse, offer.compress],
    [true, true, false, true, false],
  );
});

/** The step before or instead of a login: the mechanism's name, `starttls`, `none`, or the error's code. */
function plan(
  offer: Partial<Offer>,
  changes: Partial<ConnectionSettings>,
  where: { secure?: boolean; local?: boolean; noauth?: boolean } = {},
): string {
  try {
    const { noauth = false, secure = false, local = false } = where;
    const step = planLogin({ ...FULL, ...offer }, settingsFor('replica', changes), noauth, secure, local);
    return step.kind === 'login' ? step.mechanism.name : step.kind;
  } catch (error) {
    assert.ok(error instanceof SyncError && error.hint !== undefined);
    return error.code;
  }
}

const OFF = { tls: { ...NO_TLS, mode: 'off' as const } };

test('to another host everything goes inside TLS, whatever the mechanism, unless clear text was asked for', () => {
  const stripped = { starttls: false };
  for (const noauth of [false, true]) {
    const login = noauth ? 'none' : 'SCRAM-SHA-256';
    assert.equal(plan({}, {}, { noauth }), 'starttls');
    assert.equal(plan({}, { allowClearText: true }, { noauth }), 'starttls');
    assert.equal(plan(stripped, {}, { noauth }), 'TLS_FAILED');
    assert.equal(plan(stripped, { allowClearText: true }, { noauth }), login);
    assert.equal(plan({}, OFF, { noauth }), login);
    assert.equal(plan(stripped, OFF, { noauth }), login);
    assert.equal(plan({}, {}, { noauth, local: true }), login);
    assert.equal(plan({}, {}, { noauth, secure: true }), login);
  }
});

test('clear-text mechanisms only where nobody on the way can read', () => {
  const plainOnly = { mechanisms: ['PLAIN'] };
  assert.equal(plan(plainOnly, {}), 'starttls');
  assert.equal(plan(plainOnly, {}, { local: true }), 'PLAIN');
  assert.equal(plan(plainOnly, {}, { secure: true }), 'PLAIN');
  assert.equal(plan({ ...plainOnly, starttls: false }, { allowClearText: true }), 'PLAIN');
  assert.equal(plan(plainOnly, { ...OFF, allowClearText: true }), 'PLAIN');
  assert.equal(plan(plainOnly, OFF), 'NO_USABLE_MECHANISM');
  assert.equal(plan({ mechanisms: [] }, {}, { local: true }), 'starttls');
  assert.equal(plan({ mechanisms: [], starttls: false }, {}, { local: true }), 'NO_USABLE_MECHANISM');
  assert.equal(plan({ mechanisms: [] }, {}, { secure: true }), 'NO_USABLE_MECHANISM');
});

test('a certificate of our own logs in inside TLS, where there is one and no password', () => {
  const withCertificate = { tls: { ...NO_TLS, certFile: '/cert' }, password: undefined, authname: undefined };
  const external = { mechanisms: ['EXTERNAL', 'SCRAM-SHA-256'] };
  assert.equal(plan(external, withCertificate, { secure: true }), 'EXTERNAL');
  assert.notEqual(plan(external, { ...withCertificate, ...OFF }, { secure: true }), 'EXTERNAL');
  assert.notEqual(plan(external, withCertificate, { local: true }), 'EXTERNAL');
});

test('inside TLS with a peer that nobody vouches for a password goes out in clear only by a mechanism that was named', () => {
  const plainOnly = { mechanisms: ['PLAIN'] };
  const unverified = { tls: { ...NO_TLS, verify: false } };
  const secure = { secure: true };
  assert.equal(plan(plainOnly, unverified, secure), 'NO_USABLE_MECHANISM');
  assert.equal(plan(plainOnly, { ...unverified, mechanisms: ['PLAIN'] }, secure), 'PLAIN');
  assert.equal(plan(plainOnly, { tls: { ...unverified.tls, fingerprints: ['AB'] } }, secure), 'PLAIN');
});

test('who finds no mechanism is told what to do about it, and not to try again', () => {
  const refusal = (where: { secure: boolean }, changes: Partial<ConnectionSettings>, mechanism: string) => {
    const offer = { ...FULL, mechanisms: [mechanism], starttls: false };
    try {
      planLogin(offer, settingsFor('replica', changes), false, where.secure, false);
    } catch (error) {
      assert.ok(error instanceof SyncError && !error.retryable);
      return error.hint ?? '';
    }
    throw new Error('a mechanism was found');
  };
  const unverified = { tls: { ...NO_TLS, verify: false } };
  assert.match(refusal({ secure: true }, unverified, 'PLAIN'), /tls_fingerprint/);
  assert.match(refusal({ secure: false }, OFF, 'PLAIN'), /TLS certificate/);
  assert.match(refusal({ secure: true }, {}, 'GSSAPI'), /sasl_mech_list/);
});

test('required TLS comes first, for /noauth too', () => {
  const required = { tls: { ...NO_TLS, mode: 'required' as const } };
  assert.equal(plan({}, required), 'starttls');
  assert.equal(plan({}, required, { local: true }), 'starttls');
  assert.equal(plan({}, required, { noauth: true }), 'starttls');
  assert.equal(plan({ starttls: false }, required), 'TLS_FAILED');
  assert.equal(plan({}, required, { secure: true }), 'SCRAM-SHA-256');
  assert.equal(plan({}, {}, { noauth: true, local: true }), 'none');
});

test('compression from the start by mode and offer', () => {
  const level = (mode: 'auto' | 'on' | 'off' | 'required', offered = true, chosen?: number) =>
    compressionLevel(
      { ...FULL, compress: offered },
      settingsFor('replica', { compression: { mode, level: chosen } }),
      false,
    );
  assert.equal(level('auto'), undefined);
  assert.equal(level('on'), 1);
  assert.equal(level('on', true, 6), 6);
  assert.equal(level('on', false), undefined);
  assert.equal(level('off'), undefined);
  assert.equal(level('required'), 1);
  assert.throws(
    () => level('required', false),
    (error) => error instanceof SyncError && error.code === 'COMPRESSION_UNAVAILABLE',
  );
});
