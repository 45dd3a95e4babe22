import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ByteString } from '../../../../src/byte-string.ts';
import { SyncError } from '../../../../src/report/sync-error.ts';
import type { KeyComparator } from '../../../../src/store/cyrusdb/key-comparator.ts';
import { type DatabaseOptions, withDatabase } from '../../../../src/store/cyrusdb/with-database.ts';

/** A directory for a test; gone after it. */
export class Scratch {
  readonly directory: string;

  constructor(context: Pick<TestContext, 'after'>) {
    this.directory = mkdtempSync(join(tmpdir(), 'cyrusdb-'));
    context.after(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  file(content: Buffer | string, name = 'database'): string {
    const path = this.path(name);
    writeFileSync(path, content);
    return path;
  }
}

export type Rows = [key: ByteString, value: ByteString][];

export function allRows(path: string, options?: DatabaseOptions): Rows | undefined {
  return withDatabase(path, (database) => [...database.entries('')], options);
}

/** The rows in an order, each key once. */
export function inOrder(rows: Iterable<readonly [ByteString, ByteString]>, compare: KeyComparator): Rows {
  return [...new Map(rows)].sort(([a], [b]) => compare(a, b));
}

/** For assert.throws: the code, and words that the message must have. */
export function failure(code: string, ...words: (string | RegExp)[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof SyncError &&
    error.code === code &&
    error.hint !== undefined &&
    words.every((word) =>
      typeof word === 'string' ? error.message.includes(word) : word.test(error.message),
    );
}
