/**
 * The door of `sandbox/wire`. Here are octets and fields of the server's side: commands read, requests checked as the real
 * server checks them, answers printed, messages staged. Messages go to their table as they arrive; all else is the commands'.
 * What the real server would die of is an error of its own kind, never a refusal.
 */

import type { ByteString } from '../../byte-string.ts';
import { DlistParser, type FileSink } from '../../protocol/dlist/parser.ts';
import type { DlistValue } from '../../protocol/dlist/value.ts';
import { SyncError } from '../../report/sync-error.ts';

/** One command as it was read. */
export interface Command {
  /** Upper case. `GET`, `APPLY` and `RESTORE` have a name and a value; of others `rest` is the line's remainder. */
  verb: string;
  name: string;
  value: DlistValue;
  rest: ByteString;
  /** Why the command could not be read: the answer is BAD. */
  unreadable: string | undefined;
  /** The command as it arrived, files and the line end left out; undefined unless `record` said so. */
  text: ByteString | undefined;
}

export interface ReaderHooks {
  /** The next octets, or undefined at the end. Called when everything read so far has been used. */
  more(): Promise<Buffer | undefined>;
  /** A DLIST command begins of which verb and name are known: may throw to end the connection. */
  begins(command: string): void;
  openFile(command: string, partition: ByteString, guid: string, size: number): FileSink;
  /** Called for each piece of a DLIST command's value with the octets so far: may throw to end the connection. */
  progress(octets: number): void;
  record(command: string): boolean;
  isLoggedIn(): boolean;
}

const DLIST_VERBS = new Set(['GET', 'APPLY', 'RESTORE']);

/** Octets of a line that is no DLIST command; AUTHENTICATE may have 64 KiB (protocol 4). */
const MAX_LINE_OCTETS = 128 * 1024;

/** Octets of one file: what a 32-bit SIZE can say. */
const MAX_FILE_OCTETS = 0xffff_ffff;

/**
 * Octets of memory that the value of one command may take. Whoever has not logged in says nothing in a value; a MAILBOX of a client
 * that never splits one has some thousand octets for each message: a million of them.
 */
const MAX_VALUE_OCTETS = { beforeLogin: 64 * 1024, afterwards: 1024 ** 3 };

const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;

/** Cuts the client's stream into commands: `VERB args CRLF`, `VERB NAME dlist CRLF` (protocol 6.1). */
export class CommandReader {
  readonly #hooks: ReaderHooks;
  readonly #parser = new DlistParser();
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(hooks: ReaderHooks) {
    this.#hooks = hooks;
  }

  /** Octets of a client that did not wait. */
  takeAhead(): Buffer {
    const ahead = this.#chunk.subarray(this.#at);
    this.#chunk = Buffer.alloc(0);
    this.#at = 0;
    return ahead;
  }

  giveBack(octets: Buffer): void {
    this.#chunk = octets;
    this.#at = 0;
  }

  /** @returns undefined at the end of the stream */
  async next(): Promise<Command | undefined> {
    const verb = await this.#word();
    if (verb === undefined) return undefined;
    const command: Command = {
      verb: verb.toUpperCase(),
      name: '',
      value: null,
      rest: '',
      unreadable: undefined,
      text: undefined,
    };
    if (!DLIST_VERBS.has(command.verb)) {
      const rest = await this.line();
      if (rest === undefined) return undefined;
      command.rest = rest.startsWith(' ') ? rest.slice(1) : rest;
      return command;
    }
    if ((await this.#skipSpace()) === undefined) return undefined;
    const name = await this.#word();
    if (name === undefined) return undefined;
    command.name = name.toUpperCase();
    return await this.#readValue(command);
  }

  /** The rest of the line, without its end; undefined at the end of the stream. */
  async line(): Promise<ByteString | undefined> {
    let line = '';
    for (;;) {
      const end = this.#chunk.indexOf(LF, this.#at);
      const to = end < 0 ? this.#chunk.length : end;
      line += this.#chunk.toString('latin1', this.#at, to);
      this.#at = end < 0 ? to : end + 1;
      if (end >= 0) return line.endsWith('\r') ? line.slice(0, -1) : line;
      if (line.length > MAX_LINE_OCTETS) return undefined;
      if (!(await this.#fill())) return undefined;
    }
  }

  async #readValue(command: Command): Promise<Command | undefined> {
    const key = `${command.verb} ${command.name}`;
    this.#hooks.begins(key);
    const capture = this.#hooks.record(key) ? new Capture(key) : undefined;
    this.#parser.reset({
      maxFileOctets: MAX_FILE_OCTETS,
      maxMemoryOctets: this.#hooks.isLoggedIn() ? MAX_VALUE_OCTETS.afterwards : MAX_VALUE_OCTETS.beforeLogin,
      openFile: (partition, guid, size) => {
        const sink = this.#hooks.openFile(key, partition, guid, size);
        return capture === undefined ? sink : capture.leaveOut(sink);
      },
    });
    let octets = key.length;
    try {
      for (;;) {
        if (this.#at === this.#chunk.length && !(await this.#fill())) return undefined;
        const from = this.#at;
        this.#at = this.#parser.push(this.#chunk, from);
        capture?.add(this.#chunk, from, this.#at);
        octets += this.#at - from;
        this.#hooks.progress(octets);
        if (this.#parser.done) break;
      }
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      // The stream cannot be followed any more; the next line is the best place to go on.
      if ((await this.line()) === undefined) return undefined;
      command.unreadable = `IMAP_PROTOCOL_ERROR Failed to parse ${command.verb} line`;
      return command;
    }
    command.value = this.#parser.take();
    command.text = capture?.text;
    const rest = await this.line();
    if (rest === undefined) return undefined;
    if (rest !== '') command.unreadable = `Unexpected extra arguments to ${command.verb}`;
    return command;
  }

  /** Up to a space or the line's end, which stays; empty for an empty line. */
  async #word(): Promise<ByteString | undefined> {
    let word = '';
    for (;;) {
      let at = this.#at;
      while (at < this.#chunk.length && !endsWord(this.#chunk[at])) at++;
      word += this.#chunk.toString('latin1', this.#at, at);
      this.#at = at;
      if (at < this.#chunk.length) return word;
      if (word.length > MAX_LINE_OCTETS) return undefined;
      if (!(await this.#fill())) return undefined;
    }
  }

  async #skipSpace(): Promise<true | undefined> {
    if (this.#at === this.#chunk.length && !(await this.#fill())) return undefined;
    if (this.#chunk[this.#at] === SP) this.#at++;
    return true;
  }

  async #fill(): Promise<boolean> {
    const chunk = await this.#hooks.more();
    if (chunk === undefined) return false;
    this.#chunk = chunk;
    this.#at = 0;
    return true;
  }
}

/** The text of a command as it passes, without the octets of its files. */
class Capture {
  text: ByteString;
  /** Files' octets within the chunk that is being read, as offsets into its memory. */
  #left: { from: number; to: number }[] = [];

  constructor(key: string) {
    this.text = key;
  }

  leaveOut(sink: FileSink): FileSink {
    return {
      write: (piece) => {
        this.#left.push({ from: piece.byteOffset, to: piece.byteOffset + piece.length });
        sink.write(piece);
      },
      end: () => sink.end(),
    };
  }

  add(chunk: Buffer, from: number, to: number): void {
    let at = from;
    for (const left of this.#left) {
      this.text += chunk.toString('latin1', at, left.from - chunk.byteOffset);
      at = left.to - chunk.byteOffset;
    }
    this.#left = [];
    this.text += chunk.toString('latin1', at, to);
  }
}

function endsWord(octet: number | undefined): boolean {
  return octet === SP || octet === CR || octet === LF;
}
