import { bytesFromText } from '../../byte-string.ts';
import type { Steered, Steering } from '../../coordinator/steering.ts';
import { SyncError } from '../../report/sync-error.ts';

/** The page may ask for these, in the words of the control socket. */
export type Order =
  | { order: 'pause' | 'resume' }
  | { order: 'workers'; limit: number | 'auto' }
  /** Octets a second; null = no limit. */
  | { order: 'bwlimit'; octets: number | null }
  | { order: 'now' | 'skip' | 'unskip' | 'retry'; user: string };

/** The control socket pauses by this name too: whoever has paused by hand in one place can resume in the other. */
const BY_HAND = 'control';
const MOST_CONNECTIONS = 64;
const MOST_USERID_OCTETS = 1_024;

/** @throws SyncError USAGE with what was expected */
export function parseOrder(value: unknown): Order {
  if (typeof value !== 'object' || value === null || !('order' in value)) throw wrong('an order');
  switch (value.order) {
    case 'pause':
    case 'resume':
      return { order: value.order };
    case 'workers': {
      const limit = 'limit' in value ? value.limit : undefined;
      if (limit === 'auto' || isWhole(limit, 1, MOST_CONNECTIONS)) return { order: 'workers', limit };
      throw wrong(`auto or a whole number from 1 to ${MOST_CONNECTIONS} as limit`);
    }
    case 'bwlimit': {
      const octets = 'octets' in value ? value.octets : undefined;
      if (octets === null || isWhole(octets, 1, Number.MAX_SAFE_INTEGER)) return { order: 'bwlimit', octets };
      throw wrong('octets a second, or null for no limit');
    }
    case 'now':
    case 'skip':
    case 'unskip':
    case 'retry': {
      const user = 'user' in value ? value.user : undefined;
      if (typeof user === 'string' && user !== '' && user.length <= MOST_USERID_OCTETS) {
        return { order: value.order, user };
      }
      throw wrong('a userid');
    }
    default:
      throw wrong('pause, resume, workers, bwlimit, now, skip, unskip or retry as order');
  }
}

/** @returns what came of it, in a word */
export function carryOutOrder(order: Order, steering: Steering): Steered {
  switch (order.order) {
    case 'pause':
      steering.pause({ by: BY_HAND, reason: 'paused by hand on the status page' });
      return 'done';
    case 'resume':
      steering.resume(BY_HAND);
      return 'done';
    case 'workers':
      steering.setConnections(order.limit);
      return 'done';
    case 'bwlimit':
      steering.setBwlimit(order.octets ?? undefined);
      return 'done';
    case 'now':
    case 'skip':
    case 'unskip':
    case 'retry':
      return steering[order.order](bytesFromText(order.user));
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
}

function wrong(expected: string): SyncError {
  return new SyncError('USAGE', `expected ${expected}`);
}
