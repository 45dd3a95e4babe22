import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import test, { after, before } from 'node:test';
import { connectReplica } from '../../../src/protocol/connect/connect-replica.ts';
import type { ConnectionSettings } from '../../../src/protocol/connection-settings.ts';
import { type Certificate, selfSigned } from '../../lab/certificate.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { ADMIN, CyrusServer, PASSWORD } from '../../lab/cyrus-server.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { NO_TLS, settingsFor } from '../../lab/settings.ts';
import { SieveClient } from '../../lab/sieve-client.ts';
import { TlsInterceptor } from '../../lab/tls-interceptor.ts';

/* Contract: every way in that we claim works against Debian's sync_server and imapd, and the wrong ones fail as said. */

let certificate: Certificate;
/** From 3.10 on STARTTLS is off by default. */
const STARTTLS = PROGRAMS.isAtLeast(3, 10) ? { allowstarttls: 'yes' } : {};

/** Offers every mechanism in clear, and STARTTLS. */
let open: CyrusServer;
/** Offers PLAIN, inside TLS only. */
let strict: CyrusServer;

before(async () => {
  certificate = selfSigned('IP:127.0.0.1');
  open = await CyrusServer.start('open', {
    imapd: {
      ...STARTTLS,
      sasl_mech_list: undefined,
      failedloginpause: '0',
      tls_server_cert: certificate.certFile,
      tls_server_key: certificate.keyFile,
    },
  });
  strict = await CyrusServer.start('strict', {
    imapd: {
      ...STARTTLS,
      allowplaintext: 'no',
      tls_server_cert: certificate.certFile,
      tls_server_key: certificate.keyFile,
    },
  });
});

after(async () => {
  await open?.stop();
  await strict?.stop();
});

function settings(port: number, changes: Partial<ConnectionSettings> = {}): ConnectionSettings {
  return settingsFor(`127.0.0.1:${port}`, {
    authname: ADMIN,
    password: PASSWORD,
    connectTimeoutMs: 20_000,
    ...changes,
  });
}

for (const flavour of ['csync', 'imap'] as const) {
  const portOf = (server: CyrusServer): number => (flavour === 'csync' ? server.syncPort : server.imapPort);

  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN']) {
    test(`${flavour}: ${mechanism} logs in, and commands are answered`, async () => {
      const session = await connectReplica(settings(portOf(open), { mechanisms: [mechanism] }));
      assert.equal(session.info.flavour, flavour);
      assert.equal(session.info.mechanism, mechanism);
      assert.equal(session.info.sieveMailbox, PROGRAMS.keepScriptsInMailbox);
      assert.deepEqual((await session.getUser('nobody')).mailboxes, []);
      await session.noop();
      await session.restart();
      await session.exit();
    });

    test(`${flavour}: ${mechanism} with a wrong password is AUTHENTICATION_FAILED`, async () => {
      const wrong = settings(portOf(open), { mechanisms: [mechanism], password: 'wrong' });
      const error = await rejectsWith(connectReplica(wrong), 'AUTHENTICATION_FAILED');
      assert.equal(error.retryable, false);
    });
  }

  test(`${flavour}: the strongest mechanism is chosen when none is named`, async () => {
    const session = await connectReplica(settings(portOf(open)));
    assert.equal(session.info.mechanism, 'SCRAM-SHA-256');
    await session.exit();
  });

  test(`${flavour}: to another host everything goes inside TLS that is offered, also where SCRAM is`, async () => {
    const another = { isLocal: () => false };
    const connectThere = async (tls: Partial<ConnectionSettings['tls']>) => {
      const session = await connectReplica(
        settings(portOf(open), { tls: { ...NO_TLS, ...tls } }),
        {},
        another,
      );
      const { tls: inside, mechanism, exposure } = session.info;
      assert.deepEqual((await session.getUser('nobody')).mailboxes, []);
      await session.exit();
      return [inside, mechanism, exposure];
    };
    const caFile = certificate.certFile;
    assert.deepEqual(await connectThere({ caFile }), [true, 'SCRAM-SHA-256-PLUS', undefined]);
    assert.deepEqual(await connectThere({ verify: false }), [true, 'SCRAM-SHA-256-PLUS', 'unverified']);
    assert.deepEqual(await connectThere({ caFile, mode: 'off' }), [false, 'SCRAM-SHA-256', 'clear']);
    await rejectsWith(connectReplica(settings(portOf(open)), {}, another), 'TLS_FAILED', /self.signed/);
  });

  test(`${flavour}: STARTTLS where no login is offered in clear, certificate verified`, async () => {
    const tls = { ...NO_TLS, caFile: certificate.certFile };
    const session = await connectReplica(settings(portOf(strict), { tls }));
    assert.deepEqual([session.info.tls, session.info.mechanism], [true, 'PLAIN']);
    assert.deepEqual((await session.getUser('nobody')).mailboxes, []);
    await session.exit();
  });

  test(`${flavour}: a self-signed certificate is refused unless verification is off`, async () => {
    await rejectsWith(connectReplica(settings(portOf(strict))), 'TLS_FAILED', /self.signed/);
    const relaxed = settings(portOf(strict), { tls: { ...NO_TLS, verify: false } });
    const session = await connectReplica(relaxed);
    assert.equal(session.info.tls, true);
    await session.exit();
  });

  for (const mechanism of ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`${flavour}: ${mechanism} logs in, bound to ${version}`, async () => {
        const tls = { ...NO_TLS, mode: 'required' as const, verify: false, maxVersion: version };
        const session = await connectReplica(settings(portOf(open), { tls, mechanisms: [mechanism] }));
        assert.deepEqual([session.info.tls, session.info.mechanism], [true, mechanism]);
        await session.noop();
        await session.exit();
      });
    }
  }

  test(`${flavour}: a certificate that is named is the only one, whoever vouches for it`, async () => {
    const { fingerprint256 } = new X509Certificate(certificate.cert);
    const named = (...fingerprints: string[]) =>
      settings(portOf(open), { tls: { ...NO_TLS, mode: 'required', fingerprints } });
    const other = `${'AA:'.repeat(31)}AA`;
    const session = await connectReplica(named(other, fingerprint256));
    assert.deepEqual([session.info.tls, session.info.exposure], [true, undefined]);
    await session.exit();
    const error = await rejectsWith(connectReplica(named(other)), 'TLS_FAILED', /tls_fingerprint/);
    assert.ok(error.message.includes(fingerprint256), error.message);
    assert.equal(error.retryable, false);
  });

  test(`${flavour}: a certificate of ours logs in where there is no password`, async () => {
    const ours = selfSigned('DNS:client', 'certified');
    const server = await CyrusServer.start('external', {
      imapd: {
        ...STARTTLS,
        sasl_mech_list: undefined,
        admins: 'certified',
        tls_server_cert: certificate.certFile,
        tls_server_key: certificate.keyFile,
        tls_client_ca_file: ours.certFile,
      },
    });
    try {
      const tls = { ...NO_TLS, mode: 'required' as const, caFile: certificate.certFile };
      const { certFile, keyFile } = ours;
      const withIt = { tls: { ...tls, certFile, keyFile }, authname: undefined, password: undefined };
      const session = await connectReplica(settings(portOf(server), withIt));
      assert.equal(session.info.mechanism, 'EXTERNAL');
      assert.deepEqual((await session.getUser('nobody')).mailboxes, []);
      await session.exit();
      await rejectsWith(
        connectReplica(settings(portOf(server), { ...withIt, tls })),
        'CONFIG',
        /sync_authname/,
      );
    } finally {
      await server.stop();
    }
  });

  test(`${flavour}: TLS forbidden leaves no mechanism`, async () => {
    const tls = { ...NO_TLS, mode: 'off' as const };
    await rejectsWith(connectReplica(settings(portOf(strict), { tls })), 'NO_USABLE_MECHANISM');
  });
}

const withoutBinding = (said: string): string => said.replaceAll(/ AUTH=SCRAM-\S+-PLUS/g, '');
const onlyPlain = (said: string): string => said.replaceAll(/ AUTH=(?!PLAIN)\S+/g, '');

for (const [what, change, code] of [
  ['passes everything on', undefined, 'AUTHENTICATION_FAILED'],
  ['takes the bound mechanisms away', withoutBinding, 'AUTHENTICATION_FAILED'],
  ['leaves PLAIN alone', onlyPlain, 'NO_USABLE_MECHANISM'],
] as const) {
  test(`whoever is in between and ${what} gets nowhere, though the certificate is not verified`, async () => {
    await using interceptor = new TlsInterceptor(open.imapPort, selfSigned('IP:127.0.0.1'), change);
    const port = await interceptor.listen();
    const tls = { ...NO_TLS, mode: 'required' as const, verify: false };
    await rejectsWith(connectReplica(settings(port, { tls }), {}, { isLocal: () => false }), code);
    assert.ok(!interceptor.heard.includes(Buffer.from(PASSWORD).toString('base64')));
    assert.doesNotMatch(interceptor.heard, /AUTHENTICATE (?:PLAIN|LOGIN)/);
  });
}

test('csync: compression both ways at every level', async () => {
  for (const level of [1, 6, 9]) {
    const session = await connectReplica(
      settings(open.syncPort, { compression: { mode: 'required', level } }),
    );
    assert.equal(session.info.compression, true);
    await Promise.all(Array.from({ length: 200 }, () => session.getUser('nobody')));
    await session.exit();
  }
});

test('compression that is required ends the attempt over IMAP and inside TLS', async () => {
  const required = { compression: { mode: 'required' as const, level: undefined } };
  await rejectsWith(connectReplica(settings(open.imapPort, required)), 'COMPRESSION_UNAVAILABLE');
  const tls = { ...NO_TLS, verify: false };
  await rejectsWith(
    connectReplica(settings(strict.syncPort, { ...required, tls })),
    'COMPRESSION_UNAVAILABLE',
  );
});

test('without #sieve as a mailbox the replica lists scripts and hides their mailbox', async () => {
  const sent: string[] = [];
  const session = await connectReplica(settings(open.syncPort, { sieveMailbox: false }), {
    onTraffic: (direction, text) => {
      if (direction === 'sent') sent.push(text.toString('latin1'));
    },
  });
  assert.equal(session.info.sieveMailbox, false);
  assert.ok(!sent.some((text) => text.includes('CAPABILITIES')), sent.join(''));
  await session.exit();
});

test('what a session enables in a process of an imapd is taken back at its end', async () => {
  await using admin = await open.imap();
  await admin.ok('CREATE user/scripted');
  await using client = await SieveClient.login(open, 'scripted');
  await client.put('one', 'keep;\r\n');
  for (const sieveMailbox of [true, false]) {
    const sessions = await Promise.all(
      Array.from({ length: 4 }, () => connectReplica(settings(open.imapPort, { sieveMailbox }))),
    );
    for (const session of sessions) {
      const { sieve } = await session.getMeta('scripted');
      assert.equal(
        sieve.filter(({ filename }) => filename === 'one.script').length,
        sieveMailbox && PROGRAMS.keepScriptsInMailbox ? 0 : 1,
      );
    }
    await Promise.all(sessions.map((session) => session.exit()));
  }
});

test('an account that is no admin is told so', async () => {
  const everybody = await CyrusServer.start('noadmin', { imapd: { admins: 'somebodyelse' } });
  try {
    for (const port of [everybody.syncPort, everybody.imapPort]) {
      const error = await rejectsWith(connectReplica(settings(port)), 'IMAP_REMOTE_DENIED');
      assert.match(error.hint ?? '', /admins/);
      assert.equal(error.family, 'refused');
    }
  } finally {
    await everybody.stop();
  }
});

test('a server that is no Cyrus replica at all: timsieved', async () => {
  await rejectsWith(connectReplica(settings(open.sievePort)), 'NOT_A_SYNC_SERVER');
});
