import assert from 'node:assert/strict';
import { SyncError } from '../../src/report/sync-error.ts';

/** A parser, and inputs that it takes: what it is tried with are these, changed. */
export interface FuzzTarget {
  seeds: readonly (Buffer | string)[];
  read(octets: Buffer): unknown;
  /** Words of its grammar, numbers at the edge of a range and the like; they are put into the seeds. */
  words?: readonly string[];
  /** Made right again after the changes, such as checksums, without which nothing behind them would ever be read. */
  mend?(octets: Buffer): void;
  /** Errors of its own beside SyncError, of a parser whose caller knows the file. */
  refusals?: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
}

/**
 * Reads an input or has it refused.
 *
 * @returns true if it was read
 * @throws AssertionError for an error that is not of the catalogue
 */
export function accepts({ read, refusals = [] }: FuzzTarget, octets: Buffer): boolean {
  try {
    read(octets);
    return true;
  } catch (caught) {
    if (refusals.some((each) => caught instanceof each)) return false;
    assert.ok(caught instanceof SyncError, `${caught instanceof Error ? caught.stack : caught}`);
    assert.notEqual(caught.code, 'BUG', caught.message);
    return false;
  }
}
