import { MAX_BANNER_LINES, MAX_LINE_OCTETS, MAX_NESTING } from '../../../../src/protocol/limits.ts';
import type { ReplicaSession } from '../../../../src/protocol/replica-session.ts';
import type { ErrorCode } from '../../../../src/report/sync-error.ts';
import type { Certificate } from '../../../lab/certificate.ts';
import { OK_LINE, type Peer, type Script } from '../support/scripted-server.ts';

/** A server that gets no further than the login: what it does, and the codes of which the attempt must end with one. */
export interface Approach {
  what: string;
  codes: readonly ErrorCode[];
  script: Script;
}

/** Octets after which a client must have gone. */
const PATIENCE_OCTETS = 8 * MAX_LINE_OCTETS;

const STRANGER = ['NOT_A_SYNC_SERVER'] as const;
const GONE = ['LINK_BROKEN'] as const;
const BROKEN = ['IMAP_PROTOCOL_ERROR', 'NOT_A_SYNC_SERVER', 'LINK_BROKEN'] as const;

function says(what: string, codes: readonly ErrorCode[], text: string): Approach {
  return {
    what,
    codes,
    script: async (peer) => {
      peer.send(text);
      peer.end();
    },
  };
}

/** Sends one text again and again; fails if the client stays for more than it has to. */
async function untilGone(peer: Peer, text: string): Promise<void> {
  const octets = Buffer.from(text, 'latin1');
  for (let sent = 0; !peer.raw.destroyed && peer.raw.writable; sent += octets.length) {
    if (sent > PATIENCE_OCTETS) throw new Error(`the client has taken ${sent} octets and stays`);
    peer.send(octets);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function repeats(what: string, codes: readonly ErrorCode[], text: string): Approach {
  return { what, codes, script: (peer) => untilGone(peer, text) };
}

export const BANNERS: readonly Approach[] = [
  says('nothing at all', GONE, ''),
  says('half a banner', GONE, '* OK repl'),
  says('an empty line', STRANGER, '\r\n'),
  says('zeros', STRANGER, '\0'.repeat(64)),
  says('a star without a blank', STRANGER, '*OK replica Cyrus sync server 3.6.1\r\n'),
  says('a tagged OK', STRANGER, `A1 ${OK_LINE.slice(2)}`),
  says('BYE', ['REPLICA_BUSY'], '* BYE Too many connections\r\n'),
  says('BYE in the middle of the banner', ['REPLICA_BUSY'], '* SASL PLAIN\r\n* BYE\r\n'),
  says('NO instead of OK', BROKEN, '* NO not today\r\n'),
  says('only offers', BROKEN, '* SASL PLAIN\r\n* STARTTLS\r\n'),
  says('a line end of one kind alone', GONE, '* OK replica Cyrus sync server 3.6.1\r'),
  says('too many offers', STRANGER, '* X\r\n'.repeat(MAX_BANNER_LINES + 1)),
  says('no mechanism', ['NO_USABLE_MECHANISM'], OK_LINE.replace('* OK', '* SASL\r\n* OK')),
  says('mechanisms that nobody speaks', ['NO_USABLE_MECHANISM'], `* SASL GSSAPI X-NONE\r\n${OK_LINE}`),
  says('a mechanism with a line end in it', STRANGER, `* SASL PLAIN\nNOOP\r\n${OK_LINE}`),
  says('an octet beyond ASCII as mechanism', ['NO_USABLE_MECHANISM'], `* SASL \xff\xfe\r\n${OK_LINE}`),
  says('ten thousand mechanisms', ['NO_USABLE_MECHANISM'], `* SASL${' X-NONE'.repeat(9000)}\r\n${OK_LINE}`),
  repeats('offers without an end', STRANGER, '* X\r\n'),
  repeats('a line without an end', BROKEN, `* ${'x'.repeat(1000)}`),
  repeats('spaces without an end', BROKEN, '* OK    '),
];

/** Up to its answer to AUTHENTICATE. */
function inLogin(what: string, codes: readonly ErrorCode[], answer: string, mechanism = 'PLAIN'): Approach {
  return {
    what: `${mechanism}: ${what}`,
    codes,
    script: async (peer) => {
      peer.send(`* SASL ${mechanism}\r\n${OK_LINE}`);
      await peer.line();
      peer.send(answer);
      peer.end();
    },
  };
}

const REFUSED = ['AUTHENTICATION_FAILED'] as const;
const DOUBTED = ['AUTHENTICATION_FAILED', 'IMAP_PROTOCOL_ERROR', 'LINK_BROKEN'] as const;
const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
const SCRAM = 'SCRAM-SHA-256';

export const LOGINS: readonly Approach[] = [
  inLogin('NO', REFUSED, 'NO go away\r\n'),
  inLogin('BAD', REFUSED, 'BAD what\r\n'),
  inLogin('BYE', ['REPLICA_BUSY'], 'BYE\r\n'),
  inLogin('nothing', GONE, ''),
  inLogin('neither yes nor no', DOUBTED, 'PERHAPS\r\n'),
  inLogin('a line without an end', DOUBTED, `+ ${'A'.repeat(2 * MAX_LINE_OCTETS)}`),
  inLogin('a challenge that PLAIN does not have', DOUBTED, '+ Zm9v\r\n'),
  inLogin('a challenge that is no base64', DOUBTED, '+ ***\r\n'),
  ...[
    'hello',
    'r=,s=,i=',
    'r=x,s=eA==,i=4096',
    'e=other-error',
    'v=AAAA',
    'm=x,r=x,s=eA==,i=4096',
    '\0\r\n',
    '',
  ].map((first) =>
    inLogin(`a first message of ${JSON.stringify(first)}`, DOUBTED, `+ ${base64(first)}\r\n`, SCRAM),
  ),
  inLogin('success without a proof', REFUSED, 'OK\r\n', SCRAM),
  inLogin('success with a proof of nothing', REFUSED, `OK (SASL ${base64('v=AAAA')})\r\n`, SCRAM),
  {
    what: `${SCRAM}: challenges without an end`,
    codes: DOUBTED,
    script: async (peer) => {
      peer.send(`* SASL ${SCRAM}\r\n${OK_LINE}`);
      await peer.line();
      await untilGone(peer, '+ \r\n');
    },
  },
  ...['1', '-1', '1e9', '2147483648', '99999999999999999999', '0x1000', '4096,4096'].map(
    (count): Approach => ({
      what: `${SCRAM}: ${count} rounds`,
      codes: DOUBTED,
      script: async (peer) => {
        peer.send(`* SASL ${SCRAM}\r\n${OK_LINE}`);
        const [, , initial = ''] = (await peer.line()).split(' ');
        const nonce = /r=(.*)$/.exec(Buffer.from(initial, 'base64').toString())?.[1];
        peer.send(`+ ${base64(`r=${nonce}server,s=c2FsdA==,i=${count}`)}\r\n`);
        peer.end();
      },
    }),
  ),
];

/** After `STARTTLS` of the client. */
function inTls(what: string, codes: readonly ErrorCode[], proceed: Script): Approach {
  return {
    what: `STARTTLS: ${what}`,
    codes,
    script: async (peer) => {
      peer.send(`* STARTTLS\r\n${OK_LINE}`);
      await peer.expect('STARTTLS');
      await proceed(peer);
    },
  };
}

const BEGIN = 'OK Begin TLS negotiation now\r\n';
const TLS = ['TLS_FAILED', 'LINK_BROKEN'] as const;

export function tlsApproaches(certificate: Certificate): Approach[] {
  const answers = (what: string, text: string) =>
    inTls(what, TLS, async (peer) => {
      peer.send(text);
      peer.end();
    });
  return [
    answers('NO', 'NO Error initializing TLS\r\n'),
    answers('nothing', ''),
    answers('BAD', 'BAD\r\n'),
    answers('neither yes nor no', 'PERHAPS\r\n'),
    answers('a banner in clear behind it', `${BEGIN}* SASL PLAIN\r\n${OK_LINE}`),
    answers('success of a login in clear behind it', `${BEGIN}OK Success (no protection)\r\n`),
    answers('text where the handshake should be', `${BEGIN}* OK\r\n`),
    answers('an alert', `${BEGIN}\x15\x03\x01\0\x02\x02\x28`),
    answers('a record that is too long', `${BEGIN}\x16\x03\x03\xff\xff${'x'.repeat(70_000)}`),
    inTls('a certificate that nobody vouches for', ['TLS_FAILED'], async (peer) => {
      peer.send(BEGIN);
      await peer.startTls(certificate);
      await peer.closed();
    }),
  ];
}

/** Questions to a session, one for each kind of answer. */
export const QUESTIONS: Readonly<Record<string, (session: ReplicaSession) => Promise<unknown>>> = {
  getUser: (session) => session.getUser('anna'),
  getMailboxes: (session) => session.getMailboxes(['user.anna']),
  getUniqueids: (session) => session.getUniqueids(['abc']),
  getMeta: (session) => session.getMeta('anna'),
  getAnnotation: (session) => session.getAnnotation('user.anna'),
  getFullMailbox: (session) => session.getFullMailbox('user.anna', () => {}),
  fetchMessage: (session) =>
    session.fetchMessage({
      mailbox: 'user.anna',
      partition: 'default',
      uniqueid: 'abc',
      guid: '0'.repeat(40),
      uid: 1,
    }),
  applyReserve: (session) => session.applyReserve('default', ['user.anna'], ['0'.repeat(40)]),
  applySub: (session) => session.applySub('anna', 'user.anna'),
  restart: (session) => session.restart(),
};

/** Answers that no server gives. They are sent as they are, and then the connection is closed. */
export const ANSWERS: Readonly<Record<string, string>> = {
  nothing: '',
  'an empty line': '\r\n',
  zeros: '\0\0\0\0\r\n',
  text: 'HTTP/1.1 200 OK\r\n\r\n',
  'a foreign tag': 'A17 OK success\r\n',
  'OK without a line end': 'OK succ',
  'a line without an end': `OK ${'x'.repeat(2 * MAX_LINE_OCTETS)}`,
  'two answers': 'OK success\r\nOK success\r\n',
  'an object that nobody knows': '* WHATEVER %(A 1)\r\nOK success\r\n',
  'a line of another question': '* QUOTA %(ROOT user.bob STORAGE 1)\r\nOK success\r\n',
  'a mailbox of somebody else': `* MAILBOX %(${mailbox('user.bob')})\r\nOK success\r\n`,
  'a mailbox that is two': `* MAILBOX %(${mailbox('user.anna')})\r\n* MAILBOX %(${mailbox('user.anna')})\r\nOK success\r\n`,
  'a mailbox without fields': '* MAILBOX %()\r\nOK success\r\n',
  'a mailbox that is a list': '* MAILBOX (1 2 3)\r\nOK success\r\n',
  'a name with a line end in it': `* MAILBOX %(${mailbox('{24}\r\nuser.anna\r\nUNUSER bobbbbb')})\r\nOK success\r\n`,
  'a key that is twice there': `* MAILBOX %(${mailbox('user.anna')} LAST_UID 2)\r\nOK success\r\n`,
  'a list that nobody closes': '* MAILBOX %(A (B (C\r\nOK success\r\n',
  'a bracket too many': '* MAILBOX %(A 1))\r\nOK success\r\n',
  'a quoted string that nobody closes': '* MAILBOX %(A "b\r\nOK success\r\n',
  'lists in lists': `* MAILBOX ${'('.repeat(MAX_NESTING + 1)}\r\nOK success\r\n`,
  'a hundred thousand lists in lists': `* MAILBOX ${'('.repeat(100_000)}\r\nOK success\r\n`,
  'a literal of 2^64': '* MAILBOX %(A {18446744073709551616}\r\n',
  'a literal below nothing': '* MAILBOX %(A {-1}\r\nOK success\r\n',
  'a literal of a terabyte': '* MAILBOX %(A {1099511627776}\r\nx',
  'a literal that ends early': '* MAILBOX %(A {100}\r\nOK success\r\n',
  'a literal without a head': '* MAILBOX %(A {\r\nOK success\r\n',
  'a file that nobody asked for': `* MAILBOX %(A %{default ${'0'.repeat(40)} 3}\r\nabc)\r\nOK success\r\n`,
  'a file with a name that goes up': `* MESSAGE %{../../etc ${'0'.repeat(40)} 3}\r\nabc\r\nOK success\r\n`,
  'a file that is shorter than it says': `* MESSAGE %{default ${'0'.repeat(40)} 300}\r\nabc\r\nOK success\r\n`,
  'a file that is another': `* MESSAGE %{default ${'1'.repeat(40)} 3}\r\nabc\r\nOK success\r\n`,
  'a GUID that was not asked for': `* MISSING (${'f'.repeat(40)})\r\nOK success\r\n`,
  'a GUID that is none': '* MISSING (no-guid)\r\nOK success\r\n',
  'somebody else’s subscription': '* LSUB (user.anna "a\\\r\nb")\r\nOK success\r\n',
  'a number that is none': `* MAILBOX %(${mailbox('user.anna').replace('LAST_UID 1', 'LAST_UID 1x')})\r\nOK success\r\n`,
  'a number beyond its range': `* MAILBOX %(${mailbox('user.anna').replace('LAST_UID 1', 'LAST_UID 4294967296')})\r\nOK success\r\n`,
  NO: 'NO IMAP_MAILBOX_NONEXISTENT No such mailbox\r\n',
  'NO with what steers a terminal': 'NO \x1b[2J\x1b]0;owned\x07\r\n',
  BAD: 'BAD IMAP_PROTOCOL_BAD_PARAMETERS\r\n',
  BYE: '* BYE shutting down\r\n',
};

function mailbox(name: string): string {
  return (
    `UNIQUEID abc MBOXNAME ${name} SYNC_CRC 0 SYNC_CRC_ANNOT 0 LAST_UID 1 HIGHESTMODSEQ 1 RECENTUID 0 RECENTTIME 0 ` +
    'LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 UIDVALIDITY 1 PARTITION default ACL "anna\tlrs\t" OPTIONS P'
  );
}
