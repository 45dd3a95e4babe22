import type { EventListener } from '../report/events.ts';
import { openMasterStore } from '../store/open-master-store.ts';
import type { WorkerSetup } from './messages.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Threads, or this thread for a small run. Each is loaded only when it is the one needed. */
export async function openPool(
  setup: WorkerSetup,
  workers: number,
  small: boolean,
  emit: EventListener,
): Promise<WorkerPool> {
  if (small) {
    const [{ openInlinePool }, { realParts }] = await Promise.all([
      import('./inline-pool.ts'),
      import('./real-parts.ts'),
    ]);
    return openInlinePool(realParts(setup, emit, openMasterStore(setup.layout)));
  }
  const { ThreadPool } = await import('./pool.ts');
  return new ThreadPool(setup, workers, emit);
}
