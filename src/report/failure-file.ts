import { type ByteString, bytesFromText, textFromBytes } from '../byte-string.ts';
import type { SyncEvent } from './events.ts';
import { OutputFile } from './output-file.ts';
import { isPrintable, printableBytes } from './printable.ts';
import { asItIs, reasonWithHint } from './reasons.ts';
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
 * when all the rest is on the disk. Disposing of it before the run has begun leaves what was there.
 */
export class FailureFile {
  readonly #file: OutputFile;
  readonly #option: ListOption;
  /** Octets written. */
  #end: number;
  #spell: SpellMailbox = asItIs;
  #complain: (text: string) => void = () => {};
  #usable = true;

  /** @throws SyncError USAGE if it cannot be written there */
  static open(path: string, option: ListOption): FailureFile {
    const beginning = `${firstLine(UNDER_WAY)}# Try again with: sync_client ${option} -f THIS-FILE\n`;
    return new FailureFile(OutputFile.open('--failures', path, beginning), option, beginning.length);
  }

  private constructor(file: OutputFile, option: ListOption, end: number) {
    this.#file = file;
    this.#option = option;
    this.#end = end;
  }

  /**
   * The run begins.
   *
   * @param complain told once if the list cannot be kept, which is no reason to stop replicating
   */
  attach(spell: SpellMailbox, complain: (text: string) => void): void {
    this.#file.keep();
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
      this.#file.flush();
      this.#file.write(Buffer.from(firstLine(allFound ? COMPLETE : NOT_ALL_FOUND)), 0);
      this.#file.flush();
    });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
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
    const octets = Buffer.from(text, 'latin1');
    this.#file.write(octets, this.#end);
    this.#end += octets.length;
  }

  #attempt(write: () => void): void {
    if (!this.#usable) return;
    try {
      write();
    } catch (caught) {
      this.#usable = false;
      this.#complain(
        `sync_client: the list ${this.#file.path} could not be kept: ${SyncError.from(caught).message}`,
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
