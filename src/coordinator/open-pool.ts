import { availableParallelism } from 'node:os';
import type { EventListener } from '../report/events.ts';
import { openMasterStore } from '../store/open-master-store.ts';
import { BatchRunner } from './batch-runner.ts';
import { GrowingPool } from './growing-pool.ts';
import { openInlinePool } from './inline-pool.ts';
import { BATCHES_PER_CONNECTION, MOST_THREADS } from './limits.ts';
import type { WorkerSetup } from './messages.ts';
import { realParts } from './real-parts.ts';
import type { WorkerPool } from './worker-pool.ts';

/** This thread, with others beside it, as they are needed, where there are processors for them. */
export function openPool(setup: WorkerSetup, connections: number, emit: EventListener): WorkerPool {
  const store = openMasterStore(setup.layout);
  const here = openInlinePool(
    () => new BatchRunner(realParts(setup, emit, store)),
    () => store.close(),
  );
  const threads = Math.min(connections, availableParallelism(), MOST_THREADS) - 1;
  if (threads < 1) return here;
  const openThere = async (): Promise<WorkerPool> => {
    const { ThreadPool } = await import('./pool.ts');
    return new ThreadPool(setup, connections - 1, emit, {
      threads,
      tasksPerConnection: BATCHES_PER_CONNECTION,
    });
  };
  return new GrowingPool(here, openThere, threads);
}
