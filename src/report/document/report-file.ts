/**
 * The door of `report/document`. Here is the report of a run: one entry for each user, its totals, and the files that it
 * is written to as JSON, CSV or the list of failures. A file says at any moment whether it is complete.
 */

import type { SyncEvent } from '../events.ts';
import { asItIs } from '../reasons.ts';
import { OutputFile } from '../sinks/output-file.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import { SyncError } from '../sync-error.ts';
import type { Closing } from './failures.ts';
import { LastWords } from './last-words.ts';
import { entryError, reportEntry } from './report-entry.ts';
import type { ReportFormat, ReportHead } from './report-format.ts';
import { noTotals, noteRun } from './run-totals.ts';
import { UserFacts } from './user-facts.ts';

/** An entry in the file, with the separator in front of it. */
interface Place {
  start: number;
  octets: number;
}

const NOTHING = Buffer.alloc(0);

/**
 * A view of what became of each user (`--report`, `--failures`), written while it lasts. Each user is added in one write, together with what stands
 * behind the users, over what stood there before: whenever the run is killed, the file is a whole document that says by
 * itself that it is not complete. Who had failed and comes to another end has one entry, the last. Disposing of it before the run has begun leaves what was there.
 */
export class ReportFile {
  readonly #file: OutputFile;
  readonly #format: ReportFormat;
  readonly #head: ReportHead;
  readonly #facts = new UserFacts();
  readonly #words = new LastWords();
  /** Entries of users who failed, by the keys of their jobs: each may have another last word. */
  readonly #failed = new Map<string, Place>();
  /** Octets before the users. */
  readonly #bodyStart: number;
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
    this.#bodyStart = bodyEnd;
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
    noteRun(this.#words.totals, event);
    if (event.kind !== 'user:settled') return;
    const entry = reportEntry(event, this.#facts.take(event), this.#spell);
    this.#words.add(event, entry);
    this.#attempt(() => {
      const kept = event.again ? this.#bodyWithout(event.key) : NOTHING;
      const isFirst = this.#bodyEnd === this.#bodyStart;
      const octets = this.#format.entry(entry, event, this.#spell);
      const body = isFirst ? octets : Buffer.concat([Buffer.from(this.#format.separator), octets]);
      if (event.status === 'failed')
        this.#failed.set(event.key, { start: this.#bodyEnd, octets: body.length });
      this.#append(kept, body, this.#format.tail(this.#words.totals, undefined));
    });
  };

  /**
   * Takes the entry of this job out of the body, if it has one that may be replaced.
   *
   * @returns what stood behind it and is to be written where the entry stood; the body ends behind that
   */
  #bodyWithout(key: string): Buffer {
    const place = this.#failed.get(key);
    if (!place) return NOTHING;
    this.#failed.delete(key);
    const end = place.start + place.octets;
    let behind = this.#file.read(this.#bodyEnd - end, end);
    // Whoever is the first has no separator any more.
    const isFirst = place.start === this.#bodyStart;
    if (isFirst && behind.length > 0) behind = behind.subarray(this.#format.separator.length);
    const removed = this.#bodyEnd - place.start - behind.length;
    for (const other of this.#failed.values()) {
      if (other.start < place.start) continue;
      const start = Math.max(this.#bodyStart, other.start - removed);
      other.octets += other.start - removed - start;
      other.start = start;
    }
    this.#bodyEnd -= removed;
    return behind;
  }

  /** @param ended milliseconds since the epoch */
  close({ endedBy, allFound }: Pick<Closing, 'endedBy' | 'allFound'>, ended: number): void {
    const end = {
      ended: new Date(ended).toISOString(),
      endedBy: endedBy === undefined ? null : entryError(endedBy, this.#spell),
      allFound,
    };
    this.#attempt(() => {
      // Complete is said when all the rest is on the disk.
      this.#file.flush();
      this.#append(NOTHING, NOTHING, this.#format.tail(this.#words.totals, end));
      this.#file.truncate(this.#end);
      this.#file.write(this.#format.head(this.#head, end), 0);
      this.#file.flush();
    });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  /** @param kept the end of the body, to be written over what is there */
  #append(kept: Buffer, body: Buffer, tail: Buffer): void {
    const octets = Buffer.concat([kept, body, tail]);
    const start = this.#bodyEnd - kept.length;
    // Nothing of an earlier, longer tail may be left behind; blanks belong to no format's content.
    const blanks = Math.max(0, this.#end - start - octets.length);
    const filled = blanks === 0 ? octets : Buffer.concat([octets, Buffer.alloc(blanks, '\n')]);
    this.#file.write(filled, start);
    this.#end = start + octets.length;
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
