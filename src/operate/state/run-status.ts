import type { RunStatus } from '../../report/events.ts';
import type { RunView } from './run-view.ts';

/** The one line for whoever sent SIGUSR1. */
export function runStatus({
  standing,
  users,
  connections,
  connectionsMost,
  messages,
  octets,
  elapsedMs,
}: RunView): RunStatus {
  const { found, allFound, done, absent, locked, failed, left } = users;
  return {
    state: standing.word,
    reason: standing.reason,
    users: found,
    complete: allFound,
    synced: done,
    ...{ absent, locked, failed, left },
    connections: connections.length,
    connectionsMost,
    ...{ messages, octets, elapsedMs },
  };
}
