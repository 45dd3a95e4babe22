import type { Clock } from '../../coordinator/clock.ts';
import type { Job, Outcome } from '../../coordinator/pool/messages.ts';
import type { EventListener } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';

export interface FullPassParts {
  /** Everybody there is, read anew with each pass; `busy`: the list cannot be read on at this moment. */
  jobs(): Iterable<Job | 'busy'>;
  /** Compares, and repairs what differs. */
  run(job: Job): Promise<Outcome[]>;
  /** The replica answers, and nothing else forbids to begin anything: otherwise whoever is next waits. */
  mayGoOn(): boolean;
  clock: Clock;
  emit: EventListener;
}

/** Milliseconds until it is asked again whether the pass may go on. */
const LATER_MS = 5_000;
/** Between two jobs at least, however many there are: the log goes first. */
const LEAST_PAUSE_MS = 20;
/** Timers reach no further. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;

/**
 * Goes over everybody again and again, one at a time, so spread that one pass takes the time given. Never ends by itself
 * and never rejects.
 *
 * @param passMs time of one pass
 */
export async function passOverAll(passMs: number, parts: FullPassParts, signal: AbortSignal): Promise<void> {
  const { clock, emit } = parts;
  while (!signal.aborted) {
    const began = clock.now();
    let done = 0;
    let untold = 0;
    try {
      const all = await count(parts, signal);
      for (const job of parts.jobs()) {
        if (signal.aborted) return;
        if (job === 'busy') {
          await pause(clock, LATER_MS, signal);
          continue;
        }
        done += 1;
        await pause(clock, began + (passMs * done) / Math.max(all, 1) - clock.now(), signal);
        while (!parts.mayGoOn() && !signal.aborted) await pause(clock, LATER_MS, signal);
        if (signal.aborted) return;
        const outcomes = await parts.run(job);
        // Whoever could not be compared has the next attempt in the next pass.
        for (const each of outcomes.flatMap(({ evidence = [] }) => evidence)) emit(each);
        untold += outcomes.filter(({ kind }) => kind !== 'synced' && kind !== 'absent').length;
      }
      emit({
        kind: 'rolling:full-pass',
        jobs: done,
        untold,
        elapsedMs: clock.now() - began,
        error: undefined,
      });
    } catch (caught) {
      const error = SyncError.from(caught, { phase: 'compare' }).toData();
      emit({ kind: 'rolling:full-pass', jobs: done, untold, elapsedMs: clock.now() - began, error });
    }
    // Nobody is here, or something is wrong with the list: the rest of the time is still to pass.
    await pause(clock, began + passMs - clock.now(), signal);
  }
}

async function count({ jobs, clock }: FullPassParts, signal: AbortSignal): Promise<number> {
  let number = 0;
  for (const job of jobs()) {
    // No pause is any once the end is asked for: a list that stays locked would be asked again without one.
    if (signal.aborted) break;
    if (job !== 'busy') number += 1;
    else await pause(clock, LATER_MS, signal);
  }
  return number;
}

function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const delay = Math.min(Math.max(milliseconds, LEAST_PAUSE_MS), LONGEST_PAUSE_MS);
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(delay, end);
    signal.addEventListener('abort', end);
  });
}
