/**
 * The door of `coordinator/pool`. Here batches of jobs and units of a sync log are done on connections: a runner for each
 * connection, in this thread and, as they pay, in others (`messages.ts` is all that crosses), beside the master's own server.
 * It may use the engine, protocol and store. Every job of a batch has an outcome, also when a thread dies; its events arrive
 * before it; a connection that broke is never used again; nothing begins after `cancel`, and nothing waits after `cut`.
 */

import { availableParallelism } from 'node:os';
import type { EventListener } from '../../report/events.ts';
import { BATCHES_PER_CONNECTION, MOST_THREADS } from '../limits.ts';
import { BatchRunner } from './batch-runner.ts';
import { GrowingPool } from './growing-pool.ts';
import type { PoolSetup } from './messages.ts';
import { openInlinePool } from './open-inline-pool.ts';
import { openStore } from './open-store.ts';
import type { JobPool, UnitPool } from './pool.ts';
import { threadParts } from './thread-parts.ts';

export interface OpenPoolOptions {
  /** Batches, or units of a sync log, that are under way on one connection at once. */
  tasksPerConnection?: number;
  onIdleClosed?: () => void;
}

/** This thread, with others beside it, as they are needed, where there are processors for them; or the others alone. */
export function openPool(
  setup: PoolSetup,
  connections: number,
  emit: EventListener,
  { tasksPerConnection = BATCHES_PER_CONNECTION, onIdleClosed = () => {} }: OpenPoolOptions = {},
): JobPool & UnitPool {
  const store = openStore(setup, emit);
  const parts = threadParts(setup, emit, store);
  const here = openInlinePool({
    create: () => new BatchRunner(parts()),
    onIdleClosed,
    onClose: () => store.close(),
  });
  const alone = setup.threads === 'always';
  const most = Math.min(connections, availableParallelism(), MOST_THREADS);
  const threads = alone ? most : most - 1;
  if (threads < 1) return here;
  const openThere = async (): Promise<JobPool & UnitPool> => {
    const { ThreadPool } = await import('./thread-pool.ts');
    return new ThreadPool(setup, alone ? connections : connections - 1, emit, {
      threads,
      tasksPerConnection,
      onIdleClosed,
    });
  };
  return new GrowingPool(here, openThere, threads, alone);
}
