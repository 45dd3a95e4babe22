import { availableParallelism } from 'node:os';
import type { EventListener } from '../report/events.ts';
import { openMasterStore } from '../store/open-master-store.ts';
import { GrowingPool } from './growing-pool.ts';
import { openInlinePool } from './inline-pool.ts';
import type { WorkerSetup } from './messages.ts';
import { realParts } from './real-parts.ts';
import type { WorkerPool } from './worker-pool.ts';

/** This thread alone for a small run; with threads beside it, as they are needed, for any other. */
export async function openPool(
  setup: WorkerSetup,
  workers: number,
  small: boolean,
  emit: EventListener,
): Promise<WorkerPool> {
  const first = openInlinePool(realParts(setup, emit, openMasterStore(setup.layout)));
  if (small || workers === 1) return first;
  const { ThreadPool } = await import('./pool.ts');
  const threads = Math.max(1, availableParallelism() - 1);
  return new GrowingPool(first, () => new ThreadPool(setup, workers - 1, emit, { threads }));
}
