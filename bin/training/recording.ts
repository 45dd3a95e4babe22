import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A run of the program in which most of its small runs are: recorded once with real servers (test/training). */
export interface Recording {
  /** They follow those that are about files of this host in the command line. */
  arguments: string[];
  /** Options of imapd.conf, but directories and the replica. */
  imapd: Record<string, string>;
  /** The store of the master: paths below its directory, and contents in base64. */
  files: Record<string, string>;
  /** The replica's banner. */
  greeting: string;
  /** The replica's answers to commands without literals, by the command's line; it agrees to all others. */
  answers: Record<string, string>;
}

/** Directories of the store below that of the server. */
export const STORE_DIRECTORIES = { configuration: 'conf', partition: 'spool/default' } as const;

export function readRecording(): Recording {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'recording.json'), 'utf8')) as Recording;
}
