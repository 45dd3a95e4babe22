import assert from 'node:assert/strict';
import { DlistParser } from '../../../src/protocol/dlist/parser.ts';
import type { DlistValue } from '../../../src/protocol/dlist/value.ts';
import type { ProxyPolicy, Relay } from '../../lab/scripted-proxy.ts';
import { withoutCompression } from '../../lab/without-compression.ts';

/** One APPLY command of a client. */
export interface Sent {
  name: string;
  value: DlistValue;
  /** Name and value as they stood on the wire. */
  octets: string;
}

/** Keeps what clients send, uncompressed, each connection by itself. */
export class Recorder implements ProxyPolicy {
  #connections: Buffer[][] = [];
  readonly toClient = withoutCompression;

  toServer(): Relay {
    const pieces: Buffer[] = [];
    this.#connections.push(pieces);
    return (chunk, { pass }) => {
      pieces.push(chunk);
      pass(chunk);
    };
  }

  /** The commands so far, which are then forgotten. */
  take(): Sent[] {
    const commands = this.#connections.flatMap((pieces) => commandsOf(Buffer.concat(pieces)));
    this.#connections = [];
    return commands;
  }
}

function commandsOf(sent: Buffer): Sent[] {
  const commands: Sent[] = [];
  let at = 0;
  while (at < sent.length) {
    const head = /^APPLY ([A-Z_]+) /.exec(sent.toString('latin1', at, at + 60));
    if (head === null) {
      const end = sent.indexOf('\r\n', at);
      assert.ok(end >= 0, 'a line without its end');
      at = end + 2;
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
