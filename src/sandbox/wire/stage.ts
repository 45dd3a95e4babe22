import { createHash } from 'node:crypto';
import type { ByteString } from '../../byte-string.ts';
import type { FileSink } from '../../protocol/dlist/parser.ts';
import { DlistFile } from '../../protocol/dlist/value.ts';
import type { Storage } from '../storage/storage.ts';
import { ServerDeath } from './refusal.ts';

/** Octets of received messages gathered before they are written: a transaction costs about as much as a megabyte. */
const WRITE_SLICE_OCTETS = 4 * 1024 * 1024;

/** A GUID that a MAILBOX of this connection may use. */
export interface StagedMessage {
  /** False: what was sent under this GUID is another message, which only shows when it is used (protocol 10.2). */
  intact: boolean;
}

/**
 * Messages reserved or uploaded by one connection since its last RESTART, per partition. The contents go to the message
 * table at once, under the SHA-1 that they really have, and stay pinned while staged.
 */
export class Stage {
  readonly #storage: Storage;
  readonly #partitions: readonly ByteString[] | undefined;
  readonly #staged = new Map<ByteString, Map<string, StagedMessage>>();
  #unwritten: { guid: string; content: Buffer }[] = [];
  /** Memory of the contents not written yet, used again after each write: garbage of this size is dear. */
  #arena: Buffer | undefined;
  #arenaUsed = 0;
  /** Octets received since the connection began. */
  octetsReceived = 0;
  messagesReceived = 0;

  /** @param partitions those that exist; undefined takes any name */
  constructor(storage: Storage, partitions: readonly ByteString[] | undefined) {
    this.#storage = storage;
    this.#partitions = partitions;
  }

  find(partition: ByteString, guid: string): StagedMessage | undefined {
    return this.#staged.get(partition)?.get(guid);
  }

  /** @returns false if none of the mailboxes has the message and it is not staged already */
  reserve(partition: ByteString, guid: string, mailboxIds: ReadonlySet<number>): boolean {
    if (this.find(partition, guid) !== undefined) return true;
    if (!this.#storage.messages.holders(guid).some((id) => mailboxIds.has(id))) return false;
    this.#add(partition, guid, true);
    return true;
  }

  /** Says if there is such a partition at all. */
  hasPartition(partition: ByteString): boolean {
    return this.#partitions === undefined || this.#partitions.includes(partition);
  }

  /** A message that begins to arrive. @throws ServerDeath for a partition that does not exist */
  receive(partition: ByteString, claimed: string, size: number): FileSink {
    if (!this.hasPartition(partition)) {
      throw new ServerDeath(
        `MESSAGE for partition ${partition}, which does not exist`,
        '* Fatal error: Internal error: assertion failed: imap/dlist.c: 160: base != NULL',
      );
    }
    const guid = claimed.toLowerCase();
    this.octetsReceived += size;
    this.messagesReceived++;
    if (this.find(partition, guid) !== undefined) return discard(partition, guid, size);
    const content = this.#memory(size);
    let filled = 0;
    return {
      write: (piece) => {
        filled += piece.copy(content, filled);
      },
      end: () => {
        const intact = createHash('sha1').update(content).digest('hex') === guid;
        if (intact && !this.#storage.messages.has(guid)) this.#unwritten.push({ guid, content });
        this.#add(partition, guid, intact);
        if (size > WRITE_SLICE_OCTETS) this.flush();
        return new DlistFile(partition, guid, size);
      },
    };
  }

  /** Everything received is in the table from here on. */
  flush(): void {
    if (this.#unwritten.length === 0) return;
    this.#storage.transact(() => {
      for (const { guid, content } of this.#unwritten) this.#storage.messages.put(guid, content);
    });
    this.#unwritten = [];
    this.#arenaUsed = 0;
  }

  /** RESTART, EXIT or the end of the connection. */
  clear(): void {
    this.#unwritten = [];
    this.#arenaUsed = 0;
    if (this.#staged.size === 0) return;
    this.#storage.transact(() => {
      for (const messages of this.#staged.values()) {
        for (const [guid, { intact }] of messages) if (intact) this.#storage.messages.unpin(guid);
      }
    });
    this.#staged.clear();
  }

  #add(partition: ByteString, guid: string, intact: boolean): void {
    let messages = this.#staged.get(partition);
    if (messages === undefined) {
      messages = new Map();
      this.#staged.set(partition, messages);
    }
    messages.set(guid, { intact });
    if (intact) this.#storage.messages.pin(guid);
  }

  #memory(size: number): Buffer {
    if (size > WRITE_SLICE_OCTETS) return Buffer.allocUnsafe(size);
    if (this.#arenaUsed + size > WRITE_SLICE_OCTETS) {
      this.flush();
      this.#arenaUsed = 0;
    }
    this.#arena ??= Buffer.allocUnsafeSlow(WRITE_SLICE_OCTETS);
    const content = this.#arena.subarray(this.#arenaUsed, this.#arenaUsed + size);
    this.#arenaUsed += size;
    return content;
  }
}

/** For octets that have to be read past. */
export function discard(partition: ByteString, guid: string, size: number): FileSink {
  return { write: () => undefined, end: () => new DlistFile(partition, guid, size) };
}
