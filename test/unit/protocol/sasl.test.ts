import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseMechanism } from '../../../src/protocol/sasl/choose-mechanism.ts';
import { login } from '../../../src/protocol/sasl/login.ts';
import type { Channel } from '../../../src/protocol/sasl/mechanism.ts';
import { plain } from '../../../src/protocol/sasl/plain.ts';
import { saslPrepare } from '../../../src/protocol/sasl/prepare.ts';
import { scram } from '../../../src/protocol/sasl/scram.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

const USER = { authname: 'user', password: 'pencil' };

const VECTORS = [
  {
    source: 'RFC 5802 section 5',
    name: 'SCRAM-SHA-1',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    clientFinal: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    source: 'RFC 7677 section 3',
    name: 'SCRAM-SHA-256',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    clientFinal:
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
] as const;

/** No TLS. */
const CLEAR: Channel = { binding: undefined, offersBinding: false };

async function refused(action: () => unknown, text = /./): Promise<void> {
  await assert.rejects(
    async () => await action(),
    (error) =>
      error instanceof SyncError && error.code === 'AUTHENTICATION_FAILED' && text.test(error.message),
  );
}

for (const vector of VECTORS) {
  const start = () => scram(vector.name, () => vector.nonce).start(USER, CLEAR);

  test(`${vector.name} follows the vector of ${vector.source}`, async () => {
    const exchange = start();
    assert.equal(exchange.initialResponse?.toString(), `n,,n=user,r=${vector.nonce}`);
    assert.equal((await exchange.respond(Buffer.from(vector.serverFirst))).toString(), vector.clientFinal);
    assert.equal((await exchange.respond(Buffer.from(vector.serverFinal))).length, 0);
    exchange.succeeded();
  });

  test(`${vector.name} refuses a server that does not know the password`, async () => {
    const exchange = start();
    await exchange.respond(Buffer.from(vector.serverFirst));
    await refused(() => exchange.respond(Buffer.from('v=AAAA')));
    await refused(() => exchange.succeeded());
  });

  test(`${vector.name} refuses an OK before the server's proof`, async () => {
    const exchange = start();
    await exchange.respond(Buffer.from(vector.serverFirst));
    await refused(() => exchange.succeeded());
  });

  test(`${vector.name} refuses a foreign nonce, too few rounds, and noise`, async () => {
    await refused(() => start().respond(Buffer.from('r=other,s=QSXCR+Q6sek8bf92,i=4096')));
    await refused(() => start().respond(Buffer.from(`r=${vector.nonce},s=QSXCR+Q6sek8bf92,i=4096`)));
    await refused(() => start().respond(Buffer.from(`r=${vector.nonce}x,s=QSXCR+Q6sek8bf92,i=1`)));
    await refused(
      () => start().respond(Buffer.from(`r=${vector.nonce}x,s=QSXCR+Q6sek8bf92,i=999999999`)),
      /999999999/,
    );
    await refused(
      () => start().respond(Buffer.from(`r=${vector.nonce}x,s=QSXCR+Q6sek8bf92,i=1000001`)),
      /1000001/,
    );
    await refused(() => start().respond(Buffer.from('hello')));
  });

  test(`${vector.name} repeats its first message for a server that did not take it`, async () => {
    const exchange = start();
    assert.deepEqual(await exchange.respond(Buffer.alloc(0)), exchange.initialResponse);
  });
}

test('SCRAM counts in another thread: what else this one has to do goes on', async () => {
  const exchange = scram('SCRAM-SHA-256', () => 'n').start(USER, CLEAR);
  let answered = false;
  const answer = exchange.respond(Buffer.from('r=nx,s=QSXCR+Q6sek8bf92,i=200000')).then(() => {
    answered = true;
  });
  // What this thread has counted itself is there by then; what another says is heard only after these.
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assert.equal(answered, false, 'it was counted in this thread');
  await answer;
});

test('SCRAM escapes what has a meaning in its user field', async () => {
  const exchange = scram('SCRAM-SHA-1', () => 'n').start({ authname: 'a=b,c', password: 'x' }, CLEAR);
  assert.equal(exchange.initialResponse?.toString(), 'n,,n=a=3Db=2Cc,r=n');
});

test('SASLprep maps what RFC 4013 maps, and leaves octets that are no text alone', async () => {
  const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
  assert.equal(saslPrepare(utf8('I\u00adX')).toString(), 'IX');
  assert.equal(saslPrepare(utf8('\u00aa')).toString(), 'a');
  assert.deepEqual(saslPrepare('\xff\xfe'), Buffer.from([0xff, 0xfe]));
  assert.deepEqual(saslPrepare('a\x07b'), Buffer.from('a\x07b'));
});

test('PLAIN and LOGIN send the octets of the settings as they are', async () => {
  const credentials = { authname: 'us\xe9r', password: 'p\xff' };
  assert.deepEqual(
    plain.start(credentials, CLEAR).initialResponse,
    Buffer.from('\0us\xe9r\0p\xff', 'latin1'),
  );
  const exchange = login.start(credentials, CLEAR);
  assert.equal(exchange.initialResponse, undefined);
  assert.deepEqual(await exchange.respond(Buffer.from('Username:')), Buffer.from('us\xe9r', 'latin1'));
  assert.deepEqual(await exchange.respond(Buffer.from('Password:')), Buffer.from('p\xff', 'latin1'));
});

const IN_CLEAR = { clearTextSafe: false, canBind: false, hasCertificate: false, hasPassword: true };

test('the best mechanism that is offered, allowed and safe', async () => {
  const all = ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'DIGEST-MD5'];
  const choose = (offered: string[], allowed: string[] | undefined, clearTextSafe: boolean) =>
    chooseMechanism(offered, allowed, { ...IN_CLEAR, clearTextSafe })?.name;
  assert.equal(choose(all, undefined, false), 'SCRAM-SHA-256');
  assert.equal(choose(['PLAIN', 'SCRAM-SHA-1'], undefined, true), 'SCRAM-SHA-1');
  assert.equal(choose(['LOGIN', 'PLAIN'], undefined, true), 'PLAIN');
  assert.equal(choose(['LOGIN', 'PLAIN'], undefined, false), undefined);
  assert.equal(choose(all, ['LOGIN'], true), 'LOGIN');
  assert.equal(choose(all, ['GSSAPI'], true), undefined);
  assert.equal(choose(['DIGEST-MD5'], undefined, true), undefined);
});

test('an exchange is bound to TLS where that is active and the server can, and SCRAM allows its bound form', () => {
  const offered = ['SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS', 'PLAIN'];
  const inside = { ...IN_CLEAR, canBind: true };
  assert.equal(chooseMechanism(offered, undefined, IN_CLEAR)?.name, 'SCRAM-SHA-256');
  assert.equal(chooseMechanism(offered, undefined, inside)?.name, 'SCRAM-SHA-256-PLUS');
  assert.equal(chooseMechanism(offered, ['SCRAM-SHA-1'], inside)?.name, 'SCRAM-SHA-1-PLUS');
  assert.equal(chooseMechanism(['SCRAM-SHA-256'], ['SCRAM-SHA-256-PLUS'], inside), undefined);
});

test('a certificate logs in where there is no password, or where EXTERNAL is asked for by name', () => {
  const offered = ['EXTERNAL', 'SCRAM-SHA-256'];
  const withBoth = { ...IN_CLEAR, canBind: true, hasCertificate: true };
  assert.equal(chooseMechanism(offered, undefined, withBoth)?.name, 'SCRAM-SHA-256');
  assert.equal(chooseMechanism(offered, ['EXTERNAL', 'PLAIN'], withBoth)?.name, 'EXTERNAL');
  assert.equal(chooseMechanism(offered, undefined, { ...withBoth, hasPassword: false })?.name, 'EXTERNAL');
  const without = { ...withBoth, hasCertificate: false, hasPassword: false };
  assert.equal(chooseMechanism(offered, undefined, without)?.name, 'SCRAM-SHA-256');
});

test('SCRAM binds its exchange to the channel, and says so where the server should have been able to', async () => {
  const data = Buffer.from('finished');
  const headerOf = (name: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS', channel: Channel): string => {
    const first =
      scram(name, () => 'n')
        .start(USER, channel)
        .initialResponse?.toString() ?? '';
    return first.slice(0, first.indexOf('n=user'));
  };
  const binding = { name: 'tls-unique', data } as const;
  assert.equal(headerOf('SCRAM-SHA-256-PLUS', { binding, offersBinding: true }), 'p=tls-unique,,');
  assert.equal(headerOf('SCRAM-SHA-256', { binding, offersBinding: false }), 'y,,');
  assert.equal(headerOf('SCRAM-SHA-256', { binding, offersBinding: true }), 'n,,');
  const exchange = scram('SCRAM-SHA-256-PLUS', () => 'n').start(USER, { binding, offersBinding: true });
  const answer = (await exchange.respond(Buffer.from('r=nx,s=QSXCR+Q6sek8bf92,i=4096'))).toString();
  const bound = /^c=([^,]+),/.exec(answer)?.[1] ?? '';
  assert.equal(Buffer.from(bound, 'base64').toString(), 'p=tls-unique,,finished');
});
