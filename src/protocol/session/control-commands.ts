import { encodeKvlist } from '../dlist/encode.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';
import { apply } from './apply.ts';

type ControlCommands = Pick<ReplicaSession, 'applyForce' | 'restart' | 'noop'>;

/** FORCE, RESTART, NOOP (protocol 10.16, 11). */
export function controlCommands(queue: CommandQueue): ControlCommands {
  return {
    applyForce: () => apply(queue, 'FORCE', () => encodeKvlist([])),
    restart: () => queue.submit({ verb: 'RESTART', name: 'RESTART', result: () => {} }),
    noop: () => queue.submit({ verb: 'NOOP', name: 'NOOP', result: () => {} }),
  };
}
