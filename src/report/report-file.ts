import type { SyncEvent } from './events.ts';
import type { Closing } from './failures.ts';
import { OutputFile } from './output-file.ts';
import { printableBytes } from './printable.ts';
import { asItIs } from './reasons.ts';
import { entryError, reportEntry } from './report-entry.ts';
import { csvFormat, jsonFormat, type ReportFormat, type ReportHead } from './report-format.ts';
import { addEntry, noTotals, noteRun } from './run-totals.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import { SyncError } from './sync-error.ts';
import { UserFacts } from './user-facts.ts';

/**
 * The report of a run (`--report`), written while it lasts. Each user is added in one write, together with what stands
 * behind the users, over what stood there before: whenever the run is killed, the file is a whole document that says by
 * itself that it is not complete. Disposing of it before the run has begun leaves what was there.
 */
export class ReportFile {
  readonly #file: OutputFile;
  readonly #format: ReportFormat;
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
   * @param path CSV if it ends in `.csv`, JSON otherwise
   * @throws SyncError USAGE if it cannot be written there
   */
  static open(path: string, head: ReportHead): ReportFile {
    const format = path.toLowerCase().endsWith('.csv') ? csvFormat : jsonFormat;
    const body = format.head(head);
    const beginning = body + format.tail(noTotals(), undefined);
    const file = OutputFile.open('--report', path, beginning);
    return new ReportFile(file, format, Buffer.byteLength(body), Buffer.byteLength(beginning));
  }

  private constructor(file: OutputFile, format: ReportFormat, bodyEnd: number, end: number) {
    this.#file = file;
    this.#format = format;
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
      this.#file.flush();
      this.#append('', this.#format.tail(this.#totals, end));
      this.#file.truncate(this.#end);
      this.#file.flush();
    });
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #append(body: string, tail: string): void {
    const octets = Buffer.from(body + tail, 'utf8');
    const bodyLength = Buffer.byteLength(body, 'utf8');
    // Nothing of an earlier, longer tail may be left behind; blanks belong to no format's content.
    const blanks = Math.max(0, this.#end - this.#bodyEnd - octets.length);
    const filled = blanks === 0 ? octets : Buffer.concat([octets, Buffer.alloc(blanks, '\n')]);
    this.#file.write(filled, this.#bodyEnd);
    this.#end = this.#bodyEnd + octets.length;
    if (blanks > 0) this.#file.truncate(this.#end);
    this.#bodyEnd += bodyLength;
  }

  #attempt(write: () => void): void {
    if (!this.#usable) return;
    try {
      write();
    } catch (caught) {
      this.#usable = false;
      this.#complain(
        `sync_client: the report ${this.#file.path} could not be kept: ${SyncError.from(caught).message}`,
      );
    }
  }
}
