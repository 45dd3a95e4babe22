/**
 * The door of `report/document`. Here is the report of a run: one entry for each user, its totals, and the files that it
 * is written to as JSON, CSV or the list of failures. A file says at any moment whether it is complete.
 */

import type { SyncEvent } from '../events.ts';
import { printableBytes } from '../printable.ts';
import { asItIs } from '../reasons.ts';
import { OutputFile } from '../sinks/output-file.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import { SyncError } from '../sync-error.ts';
import type { Closing } from './failures.ts';
import { entryError, reportEntry } from './report-entry.ts';
import type { ReportFormat, ReportHead } from './report-format.ts';
import { addEntry, noTotals, noteRun } from './run-totals.ts';
import { UserFacts } from './user-facts.ts';

/**
 * A view of what became of each user (`--report`, `--failures`), written while it lasts. Each user is added in one write, together with what stands
 * behind the users, over what stood there before: whenever the run is killed, the file is a whole document that says by
 * itself that it is not complete. Disposing of it before the run has begun leaves what was there.
 */
export class ReportFile {
  readonly #file: OutputFile;
  readonly #format: ReportFormat;
  readonly #head: ReportHead;
  readonly #facts = new UserFacts();
  readonly #totals = noTotals();
  #entries = 0;
  /** Octets before the tail. */
  #bodyEnd: number;
  /** Octets of the file. */
  #end: number;
  #spell: SpellMailbox = asItIs;
  #complain: (text: string) => void = () => {};
  #usable = true;

  /**
   * @param option that named the path
   * @throws SyncError USAGE if it cannot be written there
   */
  static open(option: string, path: string, format: ReportFormat, head: ReportHead): ReportFile {
    const body = format.head(head);
    const beginning = Buffer.concat([body, format.tail(noTotals(), undefined)]);
    const file = OutputFile.open(option, path, beginning);
    return new ReportFile(file, format, head, body.length, beginning.length);
  }

  private constructor(
    file: OutputFile,
    format: ReportFormat,
    head: ReportHead,
    bodyEnd: number,
    end: number,
  ) {
    this.#file = file;
    this.#format = format;
    this.#head = head;
    this.#bodyEnd = bodyEnd;
    this.#end = end;
  }

  /**
   * The run begins.
   *
   * @param complain told once if the report cannot be kept, which is no reason to stop replicating
   */
  attach(spell: SpellMailbox, complain: (text: string) => void): void {
    this.#file.keep();
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
      const body = this.#format.entry(entry, this.#entries, event, this.#spell);
      this.#append(body, this.#format.tail(this.#totals, undefined));
    });
    this.#entries += 1;
  };

  /** @param ended milliseconds since the epoch */
  close({ endedBy, allFound }: Pick<Closing, 'endedBy' | 'allFound'>, ended: number): void {
    const named = (internal: string): string => printableBytes(this.#spell(internal));
    const end = {
      ended: new Date(ended).toISOString(),
      endedBy: endedBy === undefined ? null : entryError(endedBy, named),
      allFound,
    };
    this.#attempt(() => {
      // Complete is said when all the rest is on the disk.
      this.#file.flush();
      this.#append(Buffer.alloc(0), this.#format.tail(this.#totals, end));
      this.#file.truncate(this.#end);
      this.#file.write(this.#format.head(this.#head, end), 0);
      this.#file.flush();
    });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #append(body: Buffer, tail: Buffer): void {
    const octets = Buffer.concat([body, tail]);
    // Nothing of an earlier, longer tail may be left behind; blanks belong to no format's content.
    const blanks = Math.max(0, this.#end - this.#bodyEnd - octets.length);
    const filled = blanks === 0 ? octets : Buffer.concat([octets, Buffer.alloc(blanks, '\n')]);
    this.#file.write(filled, this.#bodyEnd);
    this.#end = this.#bodyEnd + octets.length;
    if (blanks > 0) this.#file.truncate(this.#end);
    this.#bodyEnd += body.length;
  }

  #attempt(write: () => void): void {
    if (!this.#usable) return;
    try {
      write();
    } catch (caught) {
      this.#usable = false;
      this.#complain(
        `the ${this.#format.noun} ${this.#file.path} could not be kept: ${SyncError.from(caught).message}`,
      );
    }
  }
}
