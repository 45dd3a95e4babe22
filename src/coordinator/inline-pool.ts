import type { BatchRunner } from './batch-runner.ts';
import { BATCHES_PER_CONNECTION, EXIT_GRACE } from './limits.ts';
import { RunnerSet } from './runner-set.ts';
import { within } from './within.ts';
import type { WorkerPool } from './worker-pool.ts';

/**
 * Connections on this very thread: they wait for the replica most of the time, and loading the code into another thread
 * costs more than many of them.
 *
 * @param onClose when all have taken leave
 */
export function openInlinePool(create: () => BatchRunner, onClose: () => void): WorkerPool {
  const runners = new RunnerSet(create, BATCHES_PER_CONNECTION, 1);
  return {
    run: (batch) => runners.run(batch),
    use: ({ connections }) => runners.setLimit(connections),
    cancel: () => runners.cancel(),
    cut: () => runners.cut(),
    close: async () => {
      await within(EXIT_GRACE, runners.exit());
      onClose();
    },
  };
}
