/**
 * The door of `rolling/log`. Here is Cyrus's sync log: its grammar, taking it over from writers that know nothing of us,
 * lines handed back. It may touch files and locks, and knows no actions. No line is lost or read half, whoever is killed when:
 * before anything of a log is removed, another file on the disk says it. A line that means nothing is told, not obeyed.
 */

import { join } from 'node:path';
import type { LogLine } from './log-line.ts';
import type { ParsedLine } from './log-parser.ts';

export interface TakenLog {
  file: string;
  /** When its first line was written, as far as the file system knows: milliseconds since the epoch. */
  since: number;
  /** It had been left behind by an earlier run. */
  leftover: boolean;
}

export interface LogBacklog {
  lines: number;
  octets: number;
  /** When the first line was written, see `TakenLog`; undefined if there is nothing. */
  since: number | undefined;
}

/**
 * Where the lines come from. Whatever was taken and is not done survives the process: `take` and `keep` are given all
 * lines that are still to be done and see to it, before anything of the log is removed, that the file says them.
 */
export interface SyncLog {
  /** For reports. */
  readonly file: string;
  /**
   * Takes what is there and reads it. It counts as taken only once `queue` has returned: until then nothing of it is removed,
   * whatever else is done, and if anything throws the same lines come again.
   *
   * @param pending lines that were taken before and are not done
   * @param queue is called after the last line: what was read is among the pending lines when it returns
   * @returns undefined if there is nothing
   * @throws SyncError IO, LOCK_TIMEOUT, and what `line` and `queue` throw: nothing is lost, and the same lines may come again
   */
  take(
    pending: () => Iterable<LogLine>,
    line: (parsed: ParsedLine) => void,
    queue: (taken: TakenLog) => void,
  ): Promise<TakenLog | undefined>;
  /** Everything taken is done. @throws SyncError IO */
  done(): void;
  /** The run ends and these lines are not done. @throws SyncError IO */
  keep(pending: Iterable<LogLine>): void;
  /** Hands lines back to the log, for whoever reads it next; undefined where that is not possible. */
  relog: ((lines: readonly LogLine[]) => Promise<void>) | undefined;
  /** The part that is there and not taken. */
  waiting(): LogBacklog;
}

/** `<conf>/sync/log` or `<conf>/sync/<channel>/log`. */
export function syncLogPath(configdirectory: string, channel: string | undefined): string {
  return join(syncDirectory(configdirectory, channel), 'log');
}

export function syncDirectory(configdirectory: string, channel: string | undefined): string {
  return channel === undefined ? join(configdirectory, 'sync') : join(configdirectory, 'sync', channel);
}
