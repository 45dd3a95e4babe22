import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';

type ControlCommands = Pick<ReplicaSession, 'restart' | 'noop'>;

/**
 * Commands about the connection itself (protocol 11). FORCE (protocol 10.16) is not among them: the server's process keeps it for
 * its next client.
 */
export function controlCommands(queue: CommandQueue): ControlCommands {
  return {
    restart: () => queue.submit({ verb: 'RESTART', name: 'RESTART', result: () => {} }),
    noop: () => queue.submit({ verb: 'NOOP', name: 'NOOP', result: () => {} }),
  };
}
