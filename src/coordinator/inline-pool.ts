import { BatchRunner, type BatchRunnerParts } from './batch-runner.ts';
import { EXIT_GRACE } from './limits.ts';
import { within } from './within.ts';
import type { WorkerPool } from './worker-pool.ts';

/** One worker on this thread: a small run gains nothing from another one, and loses its start-up time. */
export function openInlinePool(parts: BatchRunnerParts): WorkerPool {
  const runner = new BatchRunner(parts);
  return {
    run: (batch) => runner.run(batch),
    cancel: () => runner.cancel(),
    cut: () => runner.cut(),
    close: async () => {
      await within(EXIT_GRACE, runner.exit());
      parts.store.close();
    },
  };
}
