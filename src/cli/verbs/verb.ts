/**
 * The door of `cli/verbs`. Here is what `cyrus-sync` can do beside `sync_client`, one file for each verb: its options, how
 * its plan is made, what carries it out. It may use the files of `cli` beside it. A verb shares the table of options, the
 * frame and the exit codes with `sync_client`, so that a word means the same in both.
 */

import type { Command } from 'commander';
import type { ArgumentMode, Arguments } from '../arguments/arguments.ts';

/** One verb of `cyrus-sync`: its options, and what it does. */
export interface Verb {
  /** @param name as it is called: `cyrus-sync verify` */
  command(name: string, version: string): Command;
  /** The command line as commander is to have it; left out: as it was typed. */
  spell?(argv: readonly string[]): string[];
  /** For a verb that does not go over users, in place of what is asked of those that do. @throws SyncError USAGE */
  checkArguments?(modes: readonly ArgumentMode[], operands: readonly string[]): void;
  /**
   * Checks the options of its own; nothing is opened yet.
   *
   * @param own what commander made of the command line
   * @throws SyncError USAGE
   */
  prepare(args: Arguments, own: Readonly<Record<string, unknown>>): VerbWork;
}

/** @returns the exit code */
export type VerbWork = (environment: NodeJS.ProcessEnv, signal: AbortSignal) => Promise<number>;
