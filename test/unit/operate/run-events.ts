import { RunState } from '../../../src/operate/state/run-state.ts';
import type { Effort, SyncEvent } from '../../../src/report/events.ts';
import type { SettledStatus } from '../../../src/report/grade.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

/** Events of a run about one user, as few as a test can bear. */
const effort: Effort = { attempts: 1, lockWaits: 0, mailboxes: 1, messages: 1, octets: 1, elapsedMs: 1 };
export const error: ErrorData = { code: 'IO', family: 'local', message: 'disk full', retryable: true };

export const opened = (connection = '0.1'): SyncEvent => ({
  ...{ kind: 'connection:open', connection, server: 'replica', flavour: 'csync', mechanism: 'PLAIN' },
  ...{ tls: true, compression: false, sieveMailbox: false },
});

export const found = (users: number, messages: number, complete = true): SyncEvent => ({
  ...{ kind: 'run:discovered', users, messages, complete },
});

export const begun = (user: string, connection = '0.1'): SyncEvent => ({
  ...{ kind: 'work:begun', key: `user:${user}`, connection, users: [user] },
});

export const ended = (
  user: string,
  result: Extract<SyncEvent, { kind: 'work:ended' }>['result'],
  size = 0,
  connection = '0.1',
): SyncEvent => ({ kind: 'work:ended', key: `user:${user}`, connection, users: [user], result, size });

export const settled = (user: string, status: SettledStatus): SyncEvent => ({
  ...{ kind: 'user:settled', key: `user:${user}`, user, status, effort },
  ...(status === 'failed' ? { error } : {}),
});

export const progressed = (user: string, messages: number, octets: number): SyncEvent => ({
  ...{ kind: 'user:progress', user, messages, octets },
});

export function stateOf(rolling = false): RunState {
  const spellMailbox = (internal: string): string => internal.replaceAll('.', '/');
  return new RunState({ server: 'replica', channel: undefined, rolling, spellMailbox }, 0);
}

/** Each event a second after the other, from the first second on. */
export function told(events: readonly SyncEvent[], state = stateOf()): RunState {
  for (const [index, event] of events.entries()) state.hear(event, (index + 1) * 1_000);
  return state;
}
