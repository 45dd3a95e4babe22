import type { ConnectionsInUse, Pause, Steered, Steering } from '../../../src/coordinator/steering.ts';

/** Keeps what it is told. */
export class FakeSteering implements Steering {
  readonly orders: unknown[][] = [];
  readonly held = new Map<string, string>();
  connections: ConnectionsInUse = { limit: 'auto', most: 64, open: 3 };
  bwlimit: number | undefined;
  skipped: string[] = [];
  answer: Steered = 'done';

  setConnections(limit: number | 'auto'): ConnectionsInUse {
    this.orders.push(['connections', limit]);
    this.connections = { ...this.connections, limit };
    return this.connections;
  }

  setBwlimit(octetsPerSecond: number | undefined): void {
    this.orders.push(['bwlimit', octetsPerSecond]);
    this.bwlimit = octetsPerSecond;
  }

  get pauses(): Pause[] {
    return [...this.held].map(([by, reason]) => ({ by, reason }));
  }

  pause({ by, reason }: Pause): void {
    this.held.set(by, reason);
  }

  resume(by: string): void {
    this.held.delete(by);
  }

  now(user: string): Steered {
    return this.#order('now', user);
  }

  skip(user: string): Steered {
    return this.#order('skip', user);
  }

  unskip(user: string): Steered {
    return this.#order('unskip', user);
  }

  retry(user: string): Steered {
    return this.#order('retry', user);
  }

  waiting(most: number): string[] {
    return ['zoe', 'yan'].slice(0, most);
  }

  stop(): void {
    this.orders.push(['stop']);
  }

  #order(verb: string, user: string): Steered {
    this.orders.push([verb, user]);
    return this.answer;
  }
}
