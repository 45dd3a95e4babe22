import { parseListed } from '../../../src/protocol/connect/list-mailboxes.ts';
import { parseTarget } from '../../../src/protocol/connect-target.ts';
import { DlistParser } from '../../../src/protocol/dlist/parser.ts';
import { csyncOffer, imapCapabilities, imapOffer } from '../../../src/protocol/handshake/offer.ts';
import { decodeMailbox } from '../../../src/protocol/session/mailbox-lines.ts';
import { decodeRecord } from '../../../src/protocol/session/records.ts';
import { ResponseReader } from '../../../src/protocol/wire/response-reader.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { fuzz } from '../../lab/fuzz.ts';

const GUID = '0123456789abcdef0123456789abcdef01234567';
const RECORD = `%(UID 1 MODSEQ 2 LAST_UPDATED 3 FLAGS (\\Seen $Label1 "a b") INTERNALDATE 4 SIZE 5 GUID ${GUID} ANNOTATIONS (%(ENTRY /comment USERID anna MODSEQ 1 VALUE {3}\r\nabc)))`;
const MAILBOX =
  '%(UNIQUEID abc MBOXNAME user.anna SYNC_CRC 1 SYNC_CRC_ANNOT 2 LAST_UID 9 HIGHESTMODSEQ 12 RECENTUID 0 RECENTTIME 0 ' +
  'LAST_APPENDDATE 1 POP3_LAST_LOGIN 0 UIDVALIDITY 7 PARTITION default ACL "anna\tlrs\t" OPTIONS P ' +
  'QUOTAROOT user.anna XCONVMODSEQ 3 FOLDERMODSEQ 4 CREATEDMODSEQ 1 ANNOTATIONS (%(ENTRY /x USERID "" MODSEQ 1 VALUE y)))';
const WORDS = ['%{default 01 3}\r\n', '{3+}\r\n', '4294967296', '-1', 'MBOXNAME', '\\', GUID];

/** In two pieces, as a network may bring it. */
function parse(octets: Buffer): unknown {
  const parser = new DlistParser();
  for (const piece of [octets.subarray(0, octets.length >> 1), octets.subarray(octets.length >> 1)]) {
    for (let at = 0; at < piece.length && !parser.done; ) at = parser.push(piece, at);
  }
  return parser.done ? parser.take() : undefined;
}

fuzz('a dlist of the wire', { seeds: [RECORD, MAILBOX, '(a (b c) %(D e))\r\n'], words: WORDS, read: parse });

function decoded(decode: (value: never) => unknown): (octets: Buffer) => void {
  return (octets) => {
    const value = parse(octets);
    if (value !== undefined) decode(value as never);
  };
}

fuzz('a record', { seeds: [RECORD], words: WORDS, read: decoded(decodeRecord) });
fuzz('a mailbox', {
  seeds: [MAILBOX],
  words: WORDS,
  read: decoded((value) => decodeMailbox(value, { takesGroups: true })),
});

fuzz('answers', {
  seeds: [
    `* MAILBOX ${MAILBOX}\r\nOK success\r\n`,
    'NO IMAP_MAILBOX_NONEXISTENT none\r\n',
    '* LSUB (a b)\r\nS1 OK x\r\n',
    '* BYE x\r\n',
  ],
  words: WORDS,
  read: (octets) => {
    const ignore = () => undefined;
    const listener = { valueOptions: () => ({}), untagged: ignore, notice: ignore, final: ignore };
    const reader = new ResponseReader(listener, new Traffic(undefined));
    for (const piece of [octets.subarray(0, octets.length >> 1), octets.subarray(octets.length >> 1)])
      reader.push(piece);
  },
});

fuzz('a banner', {
  seeds: [
    '* SASL PLAIN SCRAM-SHA-256\r\n* STARTTLS\r\n* COMPRESS DEFLATE\r\n* OK replica Cyrus sync server 3.6.1',
    '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready',
  ],
  read: (octets) => {
    const lines = octets.toString('latin1').split('\r\n');
    csyncOffer(lines);
    for (const line of lines) imapOffer(line, imapCapabilities(line) ?? []);
  },
});

fuzz('a LIST answer', {
  seeds: ['* LIST (\\HasNoChildren) "/" user/anna', '* LIST (\\NoSelect) "." "a b"', '* LIST () NIL x'],
  read: (octets) => parseListed(octets.toString('latin1'), null),
});

fuzz('a server as it is named', {
  seeds: [
    'replica',
    'replica:2005',
    '[::1]:2005',
    '/run/sync',
    'replica/noauth',
    'replica/tls',
    '10.0.0.1:csync/tls/noauth',
  ],
  read: (octets) => parseTarget(octets.toString('latin1')),
});
