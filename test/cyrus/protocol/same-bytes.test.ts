import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import test from 'node:test';
import { encodeValue } from '../../../src/protocol/dlist/encoders.ts';
import { DlistParser } from '../../../src/protocol/dlist/parser.ts';
import type { DlistMap, DlistValue } from '../../../src/protocol/dlist/value.ts';
import type { WireMailbox } from '../../../src/protocol/replica-session.ts';
import { optionalNumber, requireList, requireMap } from '../../../src/protocol/session/fields.ts';
import { decodeMailbox, encodeMailbox } from '../../../src/protocol/session/mailbox-lines.ts';
import { MODSEQ, WORD } from '../../../src/protocol/session/ranges.ts';
import { decodeRecord } from '../../../src/protocol/session/records.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';

/*
 * Contract: what the C client sends for a store with something of everything is read, and written again octet for octet
 * the same.
 */

test('the C client’s commands are read and written again without a difference', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 6 });
  await using recorder = await Recorder.start(pair.replica.syncPort);
  pair.master.configure('sync_port', String(recorder.port));
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
    ...decodeMailbox(padded),
    crcAnnotations: has('SYNC_CRC_ANNOT') ? optionalNumber(map, 'SYNC_CRC_ANNOT', WORD) : undefined,
    since: has('SINCE_MODSEQ')
      ? {
          modseq: optionalNumber(map, 'SINCE_MODSEQ', MODSEQ),
          crcBasic: optionalNumber(map, 'SINCE_CRC', WORD),
          crcAnnotations: optionalNumber(map, 'SINCE_CRC_ANNOT', WORD),
        }
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

/** Stands between client and replica, hides the offer of COMPRESS, and keeps what the client sent. */
class Recorder implements AsyncDisposable {
  readonly #server;
  readonly #pieces: Buffer[] = [];

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const replica = connect(port, '127.0.0.1');
      let banner: string | undefined = '';
      client.on('data', (chunk) => {
        this.#pieces.push(chunk);
        replica.write(chunk);
      });
      replica.on('data', (chunk) => {
        if (banner === undefined) {
          client.write(chunk);
          return;
        }
        banner += chunk.toString('latin1');
        if (!/^\* OK .*\r\n/m.test(banner)) return;
        client.write(banner.replace('* COMPRESS DEFLATE\r\n', ''), 'latin1');
        banner = undefined;
      });
      for (const [from, to] of [
        [client, replica],
        [replica, client],
      ] as const) {
        from.on('close', () => to.destroy());
        from.on('error', () => to.destroy());
      }
    });
  }

  static async start(port: number): Promise<Recorder> {
    const recorder = new Recorder(port);
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get sent(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
  }
}
