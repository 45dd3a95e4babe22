import type { ErrorData } from '../../report/sync-error.ts';
import { type GateName, gatesOf, type Pairing } from '../queue/fleet-queue.ts';

/** Milliseconds for which a side that could not be reached is left alone, doubled each time. */
const AVOID = { least: 15_000, most: 300_000 };

/** Masters and replicas that an agent could not reach, and leaves alone for a while: no slice is to blame for them. */
export class SidesAway {
  /** Until when each is left alone, and for how long the next time. */
  readonly #avoided = new Map<GateName, { until: number; nextMs: number }>();

  /**
   * @param error ended the run of a slice
   * @returns whether one of its sides was away, rather than something wrong with the slice or on this host
   */
  take(error: ErrorData, slice: Pairing): boolean {
    const gate = awayOf(error, slice);
    if (gate === undefined) return false;
    const ms = this.#avoided.get(gate)?.nextMs ?? AVOID.least;
    this.#avoided.set(gate, { until: Date.now() + ms, nextMs: Math.min(ms * 2, AVOID.most) });
    return true;
  }

  /** Both have answered. */
  reached(slice: Pairing): void {
    for (const gate of gatesOf(slice)) this.#avoided.delete(gate);
  }

  isAvoided(pairing: Pairing): boolean {
    return gatesOf(pairing).some((gate) => (this.#avoided.get(gate)?.until ?? 0) > Date.now());
  }
}

/** The server of a master fails in this host's family, so that no replica is blamed for it. */
function awayOf({ family, phase, retryable, code }: ErrorData, slice: Pairing): GateName | undefined {
  if (!retryable && code !== 'CONNECT_FAILED' && code !== 'CONNECT_TIMEOUT') return undefined;
  const [master, replica] = gatesOf(slice);
  if (family === 'link') return replica;
  return phase === 'connect' || code === 'MASTER_SERVER_LOST' ? master : undefined;
}
