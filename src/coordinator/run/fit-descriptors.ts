import { MOST_CONNECTIONS } from '../limits.ts';
import type { WantedConnections } from './growth.ts';
import { mostConnections } from './growth.ts';

/** Descriptors that a process with all its threads needs whatever it does: event loops, databases, message files being read. */
const BASE = 100;
/** One connection has a socket, and another one for scripts. */
const PER_CONNECTION = 4;
/** One user in flight has these: sync lock, namespace lock, and what is being read at the moment. */
const PER_USER = 3;
/** `auto` takes rather fewer connections than to look ahead less than this. */
const LEAST_LOOK_AHEAD = 8;

export interface InFlight {
  /** Connections at most. */
  connections: number;
  /** Users at once in each batch on a connection. */
  lookAhead: number;
}

/**
 * As much as wanted, or as little as fits into the limit on open files. A number of connections that the operator has
 * given is kept as long as there is room for one user on each.
 *
 * @param limit undefined = none
 * @param batches on each connection at once
 */
export function fitDescriptors(
  limit: number | undefined,
  wanted: WantedConnections,
  lookAhead: number,
  batches: number,
): InFlight {
  const most = mostConnections(wanted);
  if (limit === undefined) return { connections: most, lookAhead };
  const room = Math.max(0, limit - BASE);
  const least = wanted === 'auto' ? Math.min(lookAhead, LEAST_LOOK_AHEAD) : 1;
  const fitting = Math.floor(room / (PER_CONNECTION + batches * least * PER_USER));
  const connections = Math.max(1, Math.min(most, fitting));
  const users = Math.floor((room - connections * PER_CONNECTION) / PER_USER);
  return {
    connections,
    lookAhead: Math.max(1, Math.min(lookAhead, Math.floor(users / (connections * batches)))),
  };
}

/** Connections that there is room for while as many users as before are at once on each. */
export function mostThatFit(
  limit: number | undefined,
  { lookAhead, batches }: { lookAhead: number; batches: number },
): number {
  if (limit === undefined) return MOST_CONNECTIONS;
  const fitting = Math.floor(Math.max(0, limit - BASE) / (PER_CONNECTION + batches * lookAhead * PER_USER));
  return Math.max(1, Math.min(MOST_CONNECTIONS, fitting));
}
