import type { Steering } from '../../coordinator/steering.ts';
import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';

/** Looks in the time after which a channel counts as behind. */
const LOOKS = 10;
const MOST_MS = 60_000;

/**
 * Tells how far behind a channel is, until disposed of, often enough for a limit on that: the log's own line comes as seldom as its
 * reader likes, or never.
 *
 * @param after calls once, after so many milliseconds, unless what it returns is called
 */
export function watchLag(
  limitSeconds: number,
  steering: Pick<Steering, 'backlog'>,
  hear: EventListener,
  after: (delayMs: number, call: () => void) => () => void,
): Disposable {
  const everyMs = Math.min(MOST_MS, (limitSeconds * 1_000) / LOOKS);
  let cancel = after(everyMs, look);
  function look(): void {
    const backlog = backlogOf(steering);
    if (backlog) hear({ kind: 'rolling:backlog', backlog });
    cancel = after(everyMs, look);
  }
  return { [Symbol.dispose]: () => cancel() };
}

/** A log that cannot be read is complained about by whoever follows it. */
function backlogOf(
  steering: Pick<Steering, 'backlog'>,
): ReturnType<NonNullable<Steering['backlog']>> | undefined {
  try {
    return steering.backlog?.();
  } catch (caught) {
    if (caught instanceof SyncError) return undefined;
    throw caught;
  }
}
