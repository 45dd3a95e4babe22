import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { SyncEvent } from './events.ts';
import type { Closing } from './failures.ts';
import { printableBytes } from './printable.ts';
import { asItIs } from './reason.ts';
import { entryError, reportEntry } from './report-entry.ts';
import { csvFormat, jsonFormat, type ReportFormat, type ReportHead } from './report-format.ts';
import { addEntry, noTotals, noteRun } from './run-totals.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import { SyncError } from './sync-error.ts';
import { UserFacts } from './user-facts.ts';

/**
 * The report of a run (`--report`), written while it lasts. Each user is added in one write, together with what stands
 * behind the users, over what stood there before: whenever the run is killed, the file is a whole document that says by
 * itself that it is not complete. Opened before privileges are dropped, it needs no rights on the directory later, which
 * replacing the file would.
 */
export class ReportFile {
  readonly #path: string;
  readonly #file: number;
  readonly #format: ReportFormat;
  readonly #facts = new UserFacts();
  readonly #totals = noTotals();
  #entries = 0;
  /** Octets before the tail. */
  #bodyEnd = 0;
  /** Octets of the file. */
  #end = 0;
  #spell: SpellMailbox = asItIs;
  #complain: (text: string) => void = () => {};
  #usable = true;

  /**
   * @param path CSV if it ends in `.csv`, JSON otherwise
   * @throws SyncError USAGE if it cannot be written there
   */
  static open(path: string, head: ReportHead): ReportFile {
    let file: number | undefined;
    try {
      // Without O_NONBLOCK a pipe that nobody reads would be waited for.
      file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
      if (!fstatSync(file).isFile()) throw new SyncError('USAGE', `${path} is no regular file`);
      ftruncateSync(file);
      return new ReportFile(path, file, path.toLowerCase().endsWith('.csv') ? csvFormat : jsonFormat, head);
    } catch (caught) {
      if (file !== undefined) closeSync(file);
      throw new SyncError(
        'USAGE',
        `--report: expected a file that can be written, but ${SyncError.from(caught).message}`,
        { phase: 'start', cause: caught },
      );
    }
  }

  private constructor(path: string, file: number, format: ReportFormat, head: ReportHead) {
    this.#path = path;
    this.#file = file;
    this.#format = format;
    this.#append(format.head(head), format.tail(this.#totals, undefined));
  }

  /** @param complain told once if the report cannot be kept, which is no reason to stop replicating */
  attach(spell: SpellMailbox, complain: (text: string) => void): void {
    this.#spell = spell;
    this.#complain = complain;
  }

  readonly hear = (event: SyncEvent): void => {
    this.#facts.hear(event);
    noteRun(this.#totals, event);
    if (event.kind !== 'user:settled') return;
    const entry = reportEntry(event, this.#facts.take(event), this.#spell);
    addEntry(this.#totals, entry);
    this.#attempt(() => {
      this.#append(this.#format.entry(entry, this.#entries), this.#format.tail(this.#totals, undefined));
    });
    this.#entries += 1;
  };

  /** @param ended milliseconds since the epoch */
  close({ endedBy }: Pick<Closing, 'endedBy'>, ended: number): void {
    const named = (internal: string): string => printableBytes(this.#spell(internal));
    const end = {
      ended: new Date(ended).toISOString(),
      endedBy: endedBy === undefined ? null : entryError(endedBy, named),
    };
    this.#attempt(() => {
      // Complete is said when all the rest is on the disk.
      fsyncSync(this.#file);
      this.#append('', this.#format.tail(this.#totals, end));
      ftruncateSync(this.#file, this.#end);
      fsyncSync(this.#file);
    });
    closeSync(this.#file);
  }

  #append(body: string, tail: string): void {
    const octets = Buffer.from(body + tail, 'utf8');
    const bodyLength = Buffer.byteLength(body, 'utf8');
    // Nothing of an earlier, longer tail may be left behind; blanks belong to no format's content.
    const blanks = Math.max(0, this.#end - this.#bodyEnd - octets.length);
    this.#write(blanks === 0 ? octets : Buffer.concat([octets, Buffer.alloc(blanks, '\n')]));
    this.#end = this.#bodyEnd + octets.length;
    if (blanks > 0) ftruncateSync(this.#file, this.#end);
    this.#bodyEnd += bodyLength;
  }

  #write(octets: Buffer): void {
    let written = 0;
    while (written < octets.length) {
      written += writeSync(this.#file, octets, written, octets.length - written, this.#bodyEnd + written);
    }
  }

  #attempt(write: () => void): void {
    if (!this.#usable) return;
    try {
      write();
    } catch (caught) {
      this.#usable = false;
      this.#complain(
        `sync_client: the report ${this.#path} could not be kept: ${SyncError.from(caught).message}`,
      );
    }
  }
}
