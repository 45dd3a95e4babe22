import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type ByteString, bytesFromText, textFromBytes } from '../byte-string.ts';
import type { SyncEvent } from './events.ts';
import { isPrintable, printableBytes } from './printable.ts';
import { asItIs, reasonWithHint } from './reason.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import { type ErrorData, SyncError } from './sync-error.ts';

/** The option that takes the list again. */
export type ListOption = '-u' | '-m' | '-s';

/** Those who never had their turn, or had not come to its end. */
export interface Unreached {
  user: ByteString;
  /** The job was these mailboxes rather than a user. */
  mailboxes?: readonly ByteString[] | undefined;
}

/** How a run ended, as far as the list is concerned. */
export interface ListEnd {
  unreached: readonly Unreached[];
  /** All that was to be done had been found, so that whoever is not in the list was replicated. */
  allFound: boolean;
  endedBy?: ErrorData | undefined;
}

const UNDER_WAY = '# INCOMPLETE: the run that writes this list is still under way, or was killed';
const NOT_ALL_FOUND = '# INCOMPLETE: the run ended before it knew of everybody; run it again instead';
const COMPLETE = '# Complete: whoever is not listed below was replicated, or is not here';
/** Octets. The first line is written over in place, so each of its texts is as long as the longest. */
const FIRST_LINE = Math.max(UNDER_WAY.length, NOT_ALL_FOUND.length, COMPLETE.length);

/**
 * The list of those who were not replicated (`--failures`), which the option that named them takes again. It is kept
 * while the run lasts: every failure is appended as it becomes final, and the first line calls the list complete only
 * when all the rest is on the disk. Opened before privileges are dropped, it needs no rights on the directory later, which
 * replacing the file would.
 */
export class FailureFile {
  readonly #path: string;
  readonly #file: number;
  readonly #option: ListOption;
  /** Octets written. */
  #end = 0;
  #spell: SpellMailbox = asItIs;
  #complain: (text: string) => void = () => {};
  #usable = true;

  /** @throws SyncError USAGE if it cannot be written there */
  static open(path: string, option: ListOption): FailureFile {
    let file: number | undefined;
    try {
      // Without O_NONBLOCK a pipe that nobody reads would be waited for.
      file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
      if (!fstatSync(file).isFile()) throw new SyncError('USAGE', `${path} is no regular file`);
      ftruncateSync(file);
      return new FailureFile(path, file, option);
    } catch (caught) {
      if (file !== undefined) closeSync(file);
      throw new SyncError(
        'USAGE',
        `--failures: expected a file that can be written, but ${SyncError.from(caught).message}`,
        { phase: 'start', cause: caught },
      );
    }
  }

  private constructor(path: string, file: number, option: ListOption) {
    this.#path = path;
    this.#file = file;
    this.#option = option;
    this.#write(firstLine(UNDER_WAY), 0);
    this.#end = FIRST_LINE + 1;
    this.#append(`# Try again with: sync_client ${option} -f THIS-FILE\n`);
  }

  /** @param complain told once if the list cannot be kept, which is no reason to stop replicating */
  attach(spell: SpellMailbox, complain: (text: string) => void): void {
    this.#spell = spell;
    this.#complain = complain;
  }

  readonly hear = (event: SyncEvent): void => {
    switch (event.kind) {
      case 'user:failed':
        this.#add(`# ${this.#reason(event.error)}\n`, event);
        break;
      case 'user:locked':
        this.#add('# Passed over: its lock was held by another sync client\n', event);
        break;
      default:
        break;
    }
  };

  close({ unreached, allFound, endedBy }: ListEnd): void {
    this.#attempt(() => {
      if (unreached.length > 0) {
        const why = endedBy === undefined ? 'the run was stopped' : this.#reason(endedBy);
        this.#append(`# Not reached: ${why}\n`);
      }
      for (const one of unreached) this.#append(this.#names(one));
      fsyncSync(this.#file);
      this.#write(firstLine(allFound ? COMPLETE : NOT_ALL_FOUND), 0);
      fsyncSync(this.#file);
    });
    closeSync(this.#file);
  }

  #add(comment: ByteString, failed: Unreached): void {
    this.#attempt(() => this.#append(comment + this.#names(failed)));
  }

  /** Lines that the option takes, or comments if it has no place for them. */
  #names({ user, mailboxes }: Unreached): ByteString {
    if (mailboxes === undefined) return user === '' ? '' : listLine(user);
    const names = mailboxes.map(this.#spell);
    const lines =
      this.#option === '-m' ? names.map(listLine) : names.map((name) => `# mailbox ${octetsOf(name)}\n`);
    return lines.join('');
  }

  #reason(error: ErrorData): ByteString {
    return octetsOf(reasonWithHint(error, this.#spell));
  }

  #append(text: ByteString): void {
    this.#end += this.#write(text, this.#end);
  }

  #write(text: ByteString, position: number): number {
    const octets = Buffer.from(text, 'latin1');
    let written = 0;
    while (written < octets.length) {
      written += writeSync(this.#file, octets, written, octets.length - written, position + written);
    }
    return written;
  }

  #attempt(write: () => void): void {
    if (!this.#usable) return;
    try {
      write();
    } catch (caught) {
      this.#usable = false;
      this.#complain(
        `sync_client: the list ${this.#path} could not be kept: ${SyncError.from(caught).message}`,
      );
    }
  }
}

function firstLine(text: string): string {
  return `${text.padEnd(FIRST_LINE)}\n`;
}

/** One that a list would not give back as it is, or that would make two lines of one, stays a comment. */
function listLine(name: ByteString): ByteString {
  return /^[#\s]|\s$/.test(name) || !isPrintable(textFromBytes(name))
    ? `# no list can hold this name: ${octetsOf(name)}\n`
    : `${name}\n`;
}

/** Printable, as the octets that the list is made of. */
function octetsOf(bytes: ByteString): ByteString {
  return bytesFromText(printableBytes(bytes));
}
