import { EXIT_GRACE_MS, IDLE_WATCH_MS } from '../limits.ts';
import type { BatchRunner } from './batch-runner.ts';
import type { JobPool, UnitPool } from './pool.ts';
import { RunnerSet } from './runner-set.ts';
import { within } from './within.ts';

export interface InlineParts {
  create(): BatchRunner;
  /** The replica closed a connection while nothing was under way on it: not an error. */
  onIdleClosed(): void;
  /** All have taken leave. */
  onClose(): void;
}

/**
 * Connections on this very thread: they wait for the replica most of the time, and loading the code into another thread
 * costs more than many of them.
 */
export function openInlinePool(parts: InlineParts): JobPool & UnitPool {
  const runners = new RunnerSet(parts.create, 1);
  // A connection may wait for work for hours, and its end should not be news only then.
  const watch = setInterval(() => {
    if (runners.dropIdleClosed()) parts.onIdleClosed();
  }, IDLE_WATCH_MS).unref();
  return {
    run: (batch) => runners.run(batch),
    runUnit: (task) => runners.runUnit(task),
    use: ({ connections }) => runners.setLimit(connections),
    renew: () => runners.renew(),
    cancel: () => runners.cancel(),
    cut: () => runners.cut(),
    close: async () => {
      clearInterval(watch);
      let haveLeft = false;
      const leaving = runners.exit().then(() => {
        haveLeft = true;
      });
      await within(EXIT_GRACE_MS, leaving);
      // Leave is taken behind what is under way, which a replica that says nothing never answers. Threads would be ended now.
      if (!haveLeft) runners.cut();
      parts.onClose();
    },
  };
}
