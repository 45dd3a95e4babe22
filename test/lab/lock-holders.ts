import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SyncError } from '../../src/report/sync-error.ts';
import type { LockThreadData } from './lock-thread.ts';

/** After that a thread that was told to let go never does. */
const HANG_MS = 60_000;

/** A file of its own for a test; gone after it. */
export function scratchFile(context: Pick<TestContext, 'after'>, content: string | Buffer = ''): string {
  const directory = mkdtempSync(join(tmpdir(), 'locks-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'file');
  writeFileSync(path, content);
  return path;
}

export interface LockThread {
  got: boolean;
  /** Lets go: at once for a thread, which need not wait for this one's event loop. */
  release(): void;
  gone: Promise<unknown>;
}

/**
 * Calls again as long as a lock that is waited for at most some moments was not had: on a busy machine the thread that is to
 * let go of it may need longer than that.
 */
export function patiently<T>(work: () => T): T {
  const end = Date.now() + HANG_MS;
  for (;;) {
    try {
      return work();
    } catch (caught) {
      if (!(caught instanceof SyncError && caught.code === 'LOCK_TIMEOUT' && Date.now() < end)) throw caught;
    }
  }
}

export async function lockInThread(data: Omit<LockThreadData, 'signal'>): Promise<LockThread> {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./lock-thread.js', import.meta.url), {
    workerData: { ...data, signal } satisfies LockThreadData,
  });
  const gone = once(worker, 'exit');
  const [got] = (await once(worker, 'message')) as [boolean];
  const release = () => {
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  };
  return { got, release, gone };
}
