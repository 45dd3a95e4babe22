/**
 * The door of `protocol/handshake`. Here is all that is said line by line before the first command: banner, STARTTLS, login,
 * compression. It opens sockets, and asks `sasl` what to answer. All of it is under one deadline; nothing said in clear is
 * believed after STARTTLS; no octet that came too early is taken for part of the encrypted talk; no secret reaches the trace.
 */

import type { Socket } from 'node:net';
import type { ByteString } from '../../byte-string.ts';
import { replicaBusy } from '../link-errors.ts';
import { LineReader } from '../wire/line-reader.ts';
import { hiddenOctets, type Traffic } from '../wire/traffic.ts';
import { Transport } from '../wire/transport.ts';
import type { Activity, Deadline } from './deadline.ts';

/** Line by line talk before replication begins, under the deadline, shown to the traffic listener without secrets. */
export class Conversation {
  readonly transport: Transport;
  readonly #reader: LineReader;
  readonly #traffic: Traffic;
  readonly #deadline: Deadline;

  constructor(socket: Socket, traffic: Traffic, deadline: Deadline) {
    this.transport = new Transport(socket);
    this.#reader = new LineReader(this.transport);
    this.#traffic = traffic;
    this.#deadline = deadline;
  }

  begin(activity: Activity): void {
    this.#deadline.begin(activity, (error) => this.transport.destroy(error));
  }

  send(line: ByteString): void {
    this.transport.write(`${line}\r\n`);
    this.#traffic.sent(`${line}\r\n`);
  }

  /** @param open may be shown @param secret may not */
  sendSecret(open: ByteString, secret: ByteString): void {
    this.transport.write(`${open}${secret}\r\n`);
    this.#traffic.sent(`${open}${hiddenOctets(secret.length)}\r\n`);
  }

  /** @throws SyncError REPLICA_BUSY: a server that takes its leave, at whatever point, may be better disposed later */
  async read(during: string, check?: (soFar: ByteString) => void): Promise<ByteString> {
    const line = await this.#reader.readLine(during, check);
    if (this.#traffic.wanted) this.#traffic.received(`${line.replace(/^\+ .+/, concealed)}\r\n`);
    if (/^(?:\* )?BYE\b/i.test(line)) {
      throw replicaBusy(
        `the replica turned the connection away during ${during}: ${line}`,
        'It is being stopped, or takes no more connections at the moment; its log may say more',
      );
    }
    return line;
  }

  /** Octets behind the last line read. */
  get unread(): Buffer {
    return this.#reader.buffered;
  }

  takeUnread(): Buffer {
    return this.#reader.takeRest();
  }
}

/** A SASL challenge: parts of it are what an attacker needs to guess passwords offline. */
function concealed(challenge: string): string {
  return `+ ${hiddenOctets(challenge.length - 2)}`;
}
