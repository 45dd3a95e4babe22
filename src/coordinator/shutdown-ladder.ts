import type { Clock } from './clock.ts';
import { CUT_GRACE_MS, DRAIN_GRACE_MS } from './limits.ts';

/** How whoever is told to stop comes to an end. Each step follows if the one before was not enough in its time. */
export interface ShutdownSteps {
  /** Nothing is begun any more; what is under way goes on. */
  drain(): void;
  /** Every connection is cut, so that whatever waits for the replica fails. */
  cut(): void;
  /** Ends by its thread what does not end without its connection either, say a wait for a lock on this host. */
  giveUp(): void;
}

/** @returns to be disposed of when all has ended: no further step is taken */
export function shutdownLadder(
  signal: AbortSignal,
  clock: Clock,
  { drain, cut, giveUp }: ShutdownSteps,
): Disposable {
  let cancel = (): void => {};
  const stop = (): void => {
    cancel = clock.after(DRAIN_GRACE_MS, () => {
      cut();
      cancel = clock.after(CUT_GRACE_MS, giveUp);
    });
    drain();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return {
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', stop);
      cancel();
    },
  };
}
