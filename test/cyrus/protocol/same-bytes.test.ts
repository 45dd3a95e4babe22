import assert from 'node:assert/strict';
import test from 'node:test';
import { FLAG } from '../../../src/grammar.ts';
import { encodeValue } from '../../../src/protocol/dlist/encoders.ts';
import { DlistParser } from '../../../src/protocol/dlist/parser.ts';
import type { DlistMap, DlistValue } from '../../../src/protocol/dlist/value.ts';
import type { WireMailbox } from '../../../src/protocol/replica-session.ts';
import {
  optionalNumber,
  requireList,
  requireMap,
  stringItems,
} from '../../../src/protocol/session/fields.ts';
import { decodeMailbox, encodeMailbox } from '../../../src/protocol/session/mailbox-lines.ts';
import { MODSEQ, WORD } from '../../../src/protocol/session/ranges.ts';
import { decodeRecord } from '../../../src/protocol/session/records.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { type ProxyPolicy, type Relay, ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { withoutCompression } from '../../lab/without-compression.ts';

/*
 * Contract: what the C client sends for a store with something of everything is read, and written again octet for octet
 * the same.
 */

test('the C client’s commands are read and written again without a difference', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 6 });
  const recorder = new Recorder();
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, recorder);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
  await pair.master.runOk('sync_client', ['-u', ...users]);

  const seen = new Map<string, number>();
  for (const { name, value, octets } of commandsOf(recorder.sent)) {
    seen.set(name, (seen.get(name) ?? 0) + 1);
    const again =
      name === 'MAILBOX' ? mailboxAgain(requireMap(value, name)) : `${name} ${encodeValue(value)}`;
    assert.equal(again, octets);
  }
  for (const name of ['MAILBOX', 'MESSAGE', 'SUB', 'SEEN', 'QUOTA']) {
    assert.ok(seen.has(name), `the C client sent no ${name}: ${JSON.stringify([...seen])}`);
  }
});

/** A MAILBOX through the types of the contract and back. */
function mailboxAgain(map: DlistMap): string {
  const has = (key: string): boolean => map.has(key);
  const intermediate = !has('RECORD');
  // An intermediate mailbox is sent without most of what an answer must have.
  const padded: DlistMap = intermediate ? new Map([...FILLER, ...map]) : map;
  const mailbox: WireMailbox = {
    ...decodeMailbox(padded, { takesGroups: has('USERGROUPS') }),
    crcAnnotations: has('SYNC_CRC_ANNOT') ? optionalNumber(map, 'SYNC_CRC_ANNOT', WORD) : undefined,
    since: has('SINCE_MODSEQ')
      ? {
          modseq: optionalNumber(map, 'SINCE_MODSEQ', MODSEQ),
          crcBasic: optionalNumber(map, 'SINCE_CRC', WORD),
          crcAnnotations: optionalNumber(map, 'SINCE_CRC_ANNOT', WORD),
        }
      : undefined,
    keywords: has('USERFLAGS')
      ? stringItems(requireList(map.get('USERFLAGS'), 'USERFLAGS'), 'USERFLAGS', FLAG)
      : undefined,
    intermediate,
    local: false,
  };
  const records = intermediate ? [] : requireList(map.get('RECORD'), 'RECORD').map(decodeRecord);
  return [...encodeMailbox(mailbox, records)].join('');
}

const FILLER: [string, DlistValue][] = [
  ['LAST_UID', '0'],
  ['RECENTUID', '0'],
  ['RECENTTIME', '0'],
  ['POP3_LAST_LOGIN', '0'],
  ['UIDVALIDITY', '0'],
  ['PARTITION', null],
  ['ACL', null],
  ['OPTIONS', ''],
];

interface Sent {
  name: string;
  value: DlistValue;
  /** Name and value as they stood on the wire. */
  octets: string;
}

/** The APPLY commands of what a client sent. */
function commandsOf(sent: Buffer): Sent[] {
  const commands: Sent[] = [];
  let at = 0;
  while (at < sent.length) {
    const head = /^APPLY ([A-Z_]+) /.exec(sent.toString('latin1', at, at + 60));
    if (head === null) {
      at = sent.indexOf('\r\n', at) + 2;
      continue;
    }
    const name = head[1] ?? '';
    const parser = new DlistParser();
    const end = parser.push(sent, at + head[0].length);
    assert.ok(parser.done, `${name} is not complete`);
    commands.push({ name, value: parser.take(), octets: sent.toString('latin1', at + 'APPLY '.length, end) });
    assert.equal(sent.toString('latin1', end, end + 2), '\r\n');
    at = end + 2;
  }
  return commands;
}

/** Keeps what the client sent, uncompressed. */
class Recorder implements ProxyPolicy {
  readonly #pieces: Buffer[] = [];
  readonly toClient = withoutCompression;

  get sent(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  toServer(): Relay {
    return (chunk, { pass }) => {
      this.#pieces.push(chunk);
      pass(chunk);
    };
  }
}
