import type { CommandQueue } from '../command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';

type ControlCommands = Pick<ReplicaSession, 'restart' | 'noop'>;

/** RESTART, NOOP (protocol 11). FORCE is never sent: it outlives the connection (protocol 10.16). */
export function controlCommands(queue: CommandQueue): ControlCommands {
  return {
    restart: () => queue.submit({ verb: 'RESTART', name: 'RESTART', result: () => {} }),
    noop: () => queue.submit({ verb: 'NOOP', name: 'NOOP', result: () => {} }),
  };
}
