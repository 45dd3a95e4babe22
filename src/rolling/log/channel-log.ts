import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { hasErrno } from '../../native/has-errno.ts';
import { openRegular } from '../../native/open-regular.ts';
import { isStillAt } from '../../native/until-not-replaced.ts';
import { whenLocked } from '../../native/when-locked.ts';
import type { EventListener } from '../../report/events.ts';
import { JOIN_ROUNDS, LOG_LOCK_DEADLINE_MS } from '../limits.ts';
import { appendToLog } from './append-to-log.ts';
import {
  copyFrom,
  endLine,
  logError,
  measure,
  openExisting,
  readLog,
  syncParent,
  writeNew,
  writtenSince,
} from './log-files.ts';
import type { LogLine } from './log-line.ts';
import type { ParsedLine } from './log-parser.ts';
import type { LogBacklog, SyncLog, TakenLog } from './sync-log.ts';

/** A file that nobody writes to, told by these from one that has its name, or its number, later. */
type FileSeen = Pick<BigIntStats, 'ino' | 'dev' | 'size' | 'mtimeNs'>;

/**
 * The log of a channel, shared with Cyrus's writers and with whatever client runs after this one (store 11.5).
 *
 *     log ──rename──► log-run ──► read ──► all done: unlink
 *
 * Writers open `log`, lock it, and start over if the path has another inode by then. So after the rename one write lock
 * on `log-run` waits for the last writer, and nobody writes to it afterwards.
 *
 * The C client takes the next log only when `log-run` is gone, and one slow user holds up all. Here the new log is
 * joined to what is left instead: pending lines and its content go into a new file, which is flushed; then, with `log`
 * locked against writers and nothing more in it, that file replaces `log-run`, and `log` is unlinked. Writers who waited
 * for those two calls find the inode gone and create a new one. At every moment `log-run` and `log` together say everything
 * that is not done, which is also all that another client needs to take over.
 */
export class ChannelLog implements SyncLog {
  readonly file: string;
  readonly #run: string;
  readonly #emit: EventListener;
  /** `log-run` as it is ours, and all that it says is queued. */
  #taken: FileSeen | undefined;
  /** The latest `log-run` that was made here, or told to be left behind, queued or not. */
  #met: FileSeen | undefined;

  /** @param file path of the log, see `syncLogPath` */
  constructor(file: string, emit: EventListener) {
    this.file = file;
    this.#run = `${file}-run`;
    this.#emit = emit;
  }

  async take(
    pending: () => Iterable<LogLine>,
    line: (parsed: ParsedLine) => void,
    queue: (taken: TakenLog) => void,
  ): Promise<TakenLog | undefined> {
    try {
      const isOurs = this.#taken !== undefined && !this.#isOfAnother();
      return isOurs ? await this.#join(pending, line, queue) : await this.#rename(line, queue);
    } catch (caught) {
      throw logError(caught, this.file);
    }
  }

  async #rename(
    line: (parsed: ParsedLine) => void,
    queue: (taken: TakenLog) => void,
  ): Promise<TakenLog | undefined> {
    const leftover = existsSync(this.#run);
    // Mostly there is none, and an error from rename costs more than all the rest of looking for one.
    if (!leftover && !existsSync(this.file)) return undefined;
    if (!leftover) {
      try {
        renameSync(this.file, this.#run);
      } catch (caught) {
        if (hasErrno(caught, 'ENOENT')) return undefined;
        throw caught;
      }
    }
    const fd = openRegular(this.#run, constants.O_RDWR);
    try {
      await whenLocked(fd, 'exclusive', LOG_LOCK_DEADLINE_MS, this.#run, () => undefined);
      const seen = fileSeen(fd);
      // One that could not be queued is read again in each round.
      if (leftover && !isSameFile(seen, this.#met)) this.#emit({ kind: 'rolling:leftover', file: this.#run });
      this.#met = seen;
      const taken = { file: this.#run, since: writtenSince(fstatSync(fd)), leftover };
      await readLog(fd, line);
      queue(taken);
      this.#taken = seen;
      return taken;
    } finally {
      closeSync(fd);
    }
  }

  async #join(
    pending: () => Iterable<LogLine>,
    line: (parsed: ParsedLine) => void,
    queue: (taken: TakenLog) => void,
  ): Promise<TakenLog | undefined> {
    const fd = openExisting(this.file, constants.O_RDWR);
    if (fd === undefined) return undefined;
    try {
      // Created and not yet written to: its writer has it open.
      if (fstatSync(fd).size === 0) return undefined;
      const replaced = await this.#replaceRun(fd, pending());
      if (replaced === undefined) return undefined;
      syncParent(this.#run);
      const taken = { file: this.file, since: writtenSince(fstatSync(fd)), leftover: false };
      await readLog(fd, line);
      queue(taken);
      this.#taken = replaced;
      return taken;
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Never flushes under the lock, which all of Cyrus's writers wait for, unless they write all the time.
   *
   * @returns the new `log-run`; undefined if another reader was quicker: what it took is its own business, and the path now
   *   names another log
   */
  async #replaceRun(fd: number, pending: Iterable<LogLine>): Promise<FileSeen | undefined> {
    const next = writeNew(this.#run, pending);
    try {
      for (let copied = 0, round = 1; ; round++) {
        copied = copyFrom(fd, copied, next.fd);
        fsyncSync(next.fd);
        const outcome = await whenLocked(fd, 'exclusive', LOG_LOCK_DEADLINE_MS, this.file, () => {
          if (!isStillAt(this.file, fd) || this.#isOfAnother()) return 'gone';
          if (fstatSync(fd).size > copied) {
            if (round < JOIN_ROUNDS) return 'grown';
            copied = copyFrom(fd, copied, next.fd);
            fsyncSync(next.fd);
          }
          endLine(fd, copied, next.fd);
          renameSync(next.path, this.#run);
          // From here on the new lines are in log-run, and must be read from there should anything fail.
          this.#taken = undefined;
          this.#met = fileSeen(next.fd);
          unlinkSync(this.file);
          return 'replaced';
        });
        if (outcome !== 'grown') return outcome === 'replaced' ? fileSeen(next.fd) : undefined;
      }
    } finally {
      closeSync(next.fd);
      // On a full disk it would be in the way of everybody.
      rmSync(next.path, { force: true });
    }
  }

  done(): void {
    if (this.#taken === undefined) return;
    try {
      if (!this.#isOfAnother()) unlinkSync(this.#run);
    } catch (caught) {
      if (!hasErrno(caught, 'ENOENT')) throw logError(caught, this.#run);
    }
    this.#taken = undefined;
    this.#met = undefined;
  }

  keep(pending: Iterable<LogLine>): void {
    // Not queued to the end: it says more than is pending.
    if (this.#taken === undefined) return;
    try {
      if (this.#isOfAnother()) return;
      const next = writeNew(this.#run, pending);
      try {
        fsyncSync(next.fd);
        renameSync(next.path, this.#run);
        this.#taken = fileSeen(next.fd);
      } finally {
        closeSync(next.fd);
        rmSync(next.path, { force: true });
      }
      syncParent(this.#run);
    } catch (caught) {
      throw logError(caught, this.#run);
    }
  }

  /**
   * Tells whether another client that reads this log has put its own `log-run` in the place of ours. It has read all that ours
   * said, and its own says what it has not done of that and of what it took: it is read as if that client had left it behind.
   */
  #isOfAnother(): boolean {
    const now = statSync(this.#run, { bigint: true, throwIfNoEntry: false });
    const seen = this.#taken;
    return (
      now !== undefined &&
      seen !== undefined &&
      !(isSameFile(now, seen) && now.size === seen.size && now.mtimeNs === seen.mtimeNs)
    );
  }

  relog = (lines: readonly LogLine[]): Promise<void> => appendToLog(this.file, lines);

  waiting(): LogBacklog {
    const none: LogBacklog = { lines: 0, octets: 0, since: undefined };
    const files = this.#taken !== undefined ? [this.file] : [this.#run, this.file];
    try {
      return files.map(measure).reduce(
        (sum, one) => ({
          lines: sum.lines + one.lines,
          octets: sum.octets + one.octets,
          since: sum.since ?? one.since,
        }),
        none,
      );
    } catch (caught) {
      throw logError(caught, this.file);
    }
  }
}

function isSameFile(one: FileSeen, other: FileSeen | undefined): boolean {
  return one.ino === other?.ino && one.dev === other.dev;
}

function fileSeen(fd: number): FileSeen {
  return fstatSync(fd, { bigint: true });
}
