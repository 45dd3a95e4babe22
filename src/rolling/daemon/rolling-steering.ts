import type { ByteString } from '../../byte-string.ts';
import type { Brakes } from '../../coordinator/brakes.ts';
import type { ConnectionsInUse, Pause, Steered, Steering } from '../../coordinator/steering.ts';
import type { Backlog, EventListener, SteeringChange } from '../../report/events.ts';
import type { RollingDaemon } from './rolling-daemon.ts';

/** The part of a channel that is steered. */
export interface SteeredChannel {
  daemon: RollingDaemon;
  brakes: Brakes;
  emit: EventListener;
  connections(): ConnectionsInUse;
  setConnections(limit: number | 'auto'): void;
  stop(): void;
}

/** Steers a channel in rolling mode. */
export class RollingSteering implements Steering {
  readonly #channel: SteeredChannel;

  constructor(channel: SteeredChannel) {
    this.#channel = channel;
  }

  get connections(): ConnectionsInUse {
    return this.#channel.connections();
  }

  setConnections(limit: number | 'auto'): ConnectionsInUse {
    if (limit !== this.connections.limit) {
      this.#channel.setConnections(limit);
      this.#tell({ what: 'connections', limit });
    }
    return this.connections;
  }

  get bwlimit(): number | undefined {
    return this.#channel.brakes.bwlimit;
  }

  setBwlimit(octetsPerSecond: number | undefined): void {
    this.#channel.brakes.setBwlimit(octetsPerSecond);
  }

  get pauses(): Pause[] {
    return this.#channel.brakes.pauses;
  }

  pause(pause: Pause): void {
    this.#channel.brakes.pause(pause);
  }

  resume(by: string): void {
    this.#channel.brakes.resume(by);
  }

  now(user: ByteString): Steered {
    return this.#told('now', user, this.#channel.daemon.hasten(user));
  }

  skip(user: ByteString): Steered {
    return this.#told('skip', user, this.#channel.daemon.skip(user));
  }

  unskip(user: ByteString): Steered {
    return this.#told('unskip', user, this.#channel.daemon.unskip(user));
  }

  get skipped(): readonly ByteString[] {
    return this.#channel.daemon.skipped;
  }

  retry(user: ByteString): Steered {
    return this.#told('retry', user, this.#channel.daemon.retry(user));
  }

  waiting(most: number): ByteString[] {
    return this.#channel.daemon.firstWaiting(most);
  }

  backlog(): Backlog {
    return this.#channel.daemon.backlog();
  }

  stop(): void {
    this.#tell({ what: 'stop' });
    this.#channel.stop();
  }

  #told(what: 'now' | 'skip' | 'unskip' | 'retry', user: ByteString, steered: Steered): Steered {
    if (steered === 'done' || (what === 'skip' && steered === 'running')) this.#tell({ what, user });
    return steered;
  }

  #tell(change: SteeringChange): void {
    this.#channel.emit({ kind: 'run:steered', ...change });
  }
}
