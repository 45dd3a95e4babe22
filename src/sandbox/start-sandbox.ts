/**
 * The door of `sandbox`: a replica in this process that speaks the protocol as Cyrus does, its refusals and deaths included. Of
 * the protocol it shares the DLIST codec alone, so that a misreading does not hide on both sides. It listens,
 * and writes below its own directory only. What was applied is what can be asked for, and faults strike where the script says.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ByteString } from '../byte-string.ts';
import { SyncError } from '../report/sync-error.ts';
import { Connection } from './connection.ts';
import { type Fault, FaultScript } from './fault-script.ts';
import { type Counts, count, type Inspection, inspect } from './inspect.ts';
import {
  type FilledOptions,
  fillOptions,
  type ListenAddress,
  type RecordedCommand,
  type SandboxOptions,
} from './options.ts';
import { removeStaleSocket } from './remove-stale-socket.ts';
import { LmdbTables } from './storage/lmdb-tables.ts';
import { MemoryTables } from './storage/memory-tables.ts';
import { Storage } from './storage/storage.ts';

/** Connections waiting to be accepted. */
const BACKLOG = 511;

/** Everything that was asked of the sandbox since it started. */
export interface Traffic {
  connections: number;
  openConnections: number;
  /** By verb and name: `APPLY MAILBOX`. */
  commands: Record<string, number>;
  messagesReceived: number;
  messageOctetsReceived: number;
}

/** A replica in this process. Stopped by close() or `await using`. */
export interface Sandbox {
  /** A client connects to this; the port is the real one when 0 was asked for. @throws if it listens nowhere */
  readonly address: ListenAddress;
  /** undefined: in memory. */
  readonly directory: string | undefined;
  /** As `sync_client -S` takes it. */
  readonly server: string;
  /** APPLY commands so far, with the option `recordCommands: true`. */
  readonly recorded: RecordedCommand[];
  /** Serves a client over a stream that somebody else made. @param trusted it needs no login */
  accept(stream: Duplex, trusted: boolean): void;
  /** A fault from now on. @returns how often it has struck */
  inject(fault: Fault): () => number;
  clearFaults(): void;
  inspect(): Inspection;
  /** Uniqueids of all mailboxes by name: the cheap part of `inspect`. */
  mailboxes(): Map<ByteString, ByteString>;
  counts(): Counts;
  traffic(): Traffic;
  /** Cuts every connection, as a crash of the server does. */
  cutAll(): void;
  /** Says BYE to every connection, as a server that is shut down does. */
  byeAll(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws SyncError USAGE, IO, DATABASE_UNSUPPORTED */
export async function startSandbox(given: SandboxOptions): Promise<Sandbox> {
  const options = fillOptions(given);
  const { directory, durable } = options;
  const tables = directory === undefined ? new MemoryTables() : new LmdbTables(directory, durable);
  const storage = new Storage(tables, directory ?? 'memory');
  const running = new RunningSandbox(options, storage);
  try {
    await running.listen();
  } catch (error) {
    await storage.close();
    throw error;
  }
  return running;
}

class RunningSandbox implements Sandbox {
  readonly recorded: RecordedCommand[] = [];
  readonly #options: FilledOptions;
  readonly #storage: Storage;
  readonly #faults: FaultScript;
  readonly #server: Server;
  readonly #open = new Map<Connection, Promise<void>>();
  readonly #commands = new Map<string, number>();
  #connections = 0;
  #messagesOfEnded = 0;
  #octetsOfEnded = 0;
  #address: ListenAddress | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: FilledOptions, storage: Storage) {
    this.#options = options;
    this.#storage = storage;
    this.#faults = new FaultScript(options.faults);
    this.#address = options.listen;
    this.#server = createServer({ noDelay: true }, (socket) =>
      this.accept(socket, options.listen !== undefined && 'path' in options.listen),
    );
  }

  get address(): ListenAddress {
    if (this.#address === undefined) throw new Error('this sandbox listens nowhere');
    return this.#address;
  }

  get directory(): string | undefined {
    return this.#options.directory;
  }

  get server(): string {
    const address = this.address;
    if ('path' in address) return address.path;
    return address.host.includes(':')
      ? `[${address.host}]:${address.port}`
      : `${address.host}:${address.port}`;
  }

  async listen(): Promise<void> {
    const { listen } = this.#options;
    if (listen === undefined) return;
    try {
      if ('path' in listen) await removeStaleSocket(listen.path);
      this.#server.listen({ ...listen, backlog: BACKLOG });
      await once(this.#server, 'listening');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SyncError('IO', `cannot listen on ${this.server}: ${reason}`, {
        phase: 'start',
        cause: error,
      });
    }
    // Who could not be let in for want of a descriptor comes again.
    this.#server.on('error', () => undefined);
    const bound = this.#server.address();
    if ('host' in listen && bound !== null && typeof bound === 'object') {
      this.#address = { host: listen.host, port: bound.port };
    }
  }

  inject(fault: Fault): () => number {
    return this.#faults.add(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  inspect(): Inspection {
    return inspect(this.#storage);
  }

  mailboxes(): Map<ByteString, ByteString> {
    return new Map([...this.#storage.mailboxes.all()].map(({ name, uniqueid }) => [name, uniqueid]));
  }

  counts(): Counts {
    return count(this.#storage);
  }

  traffic(): Traffic {
    let messagesReceived = this.#messagesOfEnded;
    let messageOctetsReceived = this.#octetsOfEnded;
    for (const connection of this.#open.keys()) {
      messagesReceived += connection.messagesStaged;
      messageOctetsReceived += connection.octetsStaged;
    }
    return {
      connections: this.#connections,
      openConnections: this.#open.size,
      commands: Object.fromEntries(this.#commands),
      messagesReceived,
      messageOctetsReceived,
    };
  }

  cutAll(): void {
    for (const connection of this.#open.keys()) connection.destroy();
  }

  byeAll(): void {
    for (const connection of this.#open.keys()) connection.sayBye();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cutAll();
    await Promise.all(this.#open.values());
    await closed;
    await this.#storage.close();
  }

  accept(stream: Duplex, trusted: boolean): void {
    // Whoever reads or writes learns of it there; without a listener it would end the process.
    stream.on('error', () => undefined);
    const { recordCommands } = this.#options;
    const connection = new Connection(stream, {
      number: ++this.#connections,
      options: this.#options,
      storage: this.#storage,
      faults: this.#faults,
      trusted,
      onCommand: (command) => this.#commands.set(command, (this.#commands.get(command) ?? 0) + 1),
      onRecord: (command) => {
        if (typeof recordCommands === 'function') recordCommands(command);
        else this.recorded.push(command);
      },
    });
    const served = connection.serve().then(() => {
      this.#open.delete(connection);
      this.#messagesOfEnded += connection.messagesStaged;
      this.#octetsOfEnded += connection.octetsStaged;
    });
    this.#open.set(connection, served);
  }
}
