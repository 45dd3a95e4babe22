import type { SyncEvent, Work } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';

interface OpenConnection {
  server: string;
  /** By key. */
  work: Map<string, Work>;
}

/** Remembers what has begun on threads and not ended, so that it can be told to have ended when its thread has died. */
export class OpenEnds {
  /** By the names that threads give them (`connectionsOf`). */
  readonly #connections = new Map<string, OpenConnection>();

  hear(event: SyncEvent): void {
    switch (event.kind) {
      case 'connection:open':
        this.#connections.set(event.connection, { server: event.server, work: new Map() });
        break;
      case 'connection:closed':
      case 'connection:lost':
        if (event.connection !== undefined) this.#connections.delete(event.connection);
        break;
      case 'work:begun':
        this.#connections.get(event.connection)?.work.set(event.key, event);
        break;
      case 'work:ended':
        this.#connections.get(event.connection)?.work.delete(event.key);
        break;
      default:
        break;
    }
  }

  /** @returns what the thread would have told; nothing of it is known afterwards */
  endedWith(thread: number, error: ErrorData): SyncEvent[] {
    const ends: SyncEvent[] = [];
    for (const [connection, { server, work }] of this.#connections) {
      if (!connection.startsWith(connectionsOf(thread))) continue;
      this.#connections.delete(connection);
      for (const { key, users, mailboxes } of work.values()) {
        const ended = { key, connection, users, mailboxes };
        ends.push({ kind: 'work:ended', ...ended, result: 'failed', size: 0 });
      }
      ends.push({ kind: 'connection:lost', connection, server, error });
    }
    return ends;
  }
}

/** The names of a thread's connections begin with this. */
export function connectionsOf(thread: number): string {
  return `${thread}.`;
}
