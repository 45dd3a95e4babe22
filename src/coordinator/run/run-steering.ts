import type { ByteString } from '../../byte-string.ts';
import type { EventListener, SteeringChange } from '../../report/events.ts';
import type { Brakes } from '../brakes.ts';
import type { ConnectionsInUse, Pause, Steered, Steering } from '../steering.ts';
import type { Schedule } from './schedule.ts';

/** The part of a run that is steered. */
export interface SteeredRun {
  brakes: Brakes;
  schedule: Schedule;
  emit: EventListener;
  connections(): ConnectionsInUse;
  setConnections(limit: number | 'auto'): void;
  /** Users are still being found, so that one who is not known may be. */
  stillFinding(): boolean;
  /** Nothing is begun any more. */
  isEnding(): boolean;
  /** Something else may be begun now. */
  pump(): void;
  stop(): void;
}

/** Steers a run that has an end. */
export class RunSteering implements Steering {
  readonly #run: SteeredRun;

  constructor(run: SteeredRun) {
    this.#run = run;
  }

  get connections(): ConnectionsInUse {
    return this.#run.connections();
  }

  setConnections(limit: number | 'auto'): ConnectionsInUse {
    if (limit !== this.connections.limit) {
      this.#run.setConnections(limit);
      this.#tell({ what: 'connections', limit });
    }
    return this.connections;
  }

  get bwlimit(): number | undefined {
    return this.#run.brakes.bwlimit;
  }

  setBwlimit(octetsPerSecond: number | undefined): void {
    this.#run.brakes.setBwlimit(octetsPerSecond);
  }

  get pauses(): Pause[] {
    return this.#run.brakes.pauses;
  }

  pause(pause: Pause): void {
    this.#run.brakes.pause(pause);
  }

  resume(by: string): void {
    this.#run.brakes.resume(by);
  }

  now(user: ByteString): Steered {
    return this.#told('now', user, this.#run.schedule.hasten(user));
  }

  skip(user: ByteString): Steered {
    const steered = this.#run.schedule.skip(user);
    const isKept = steered === 'done' || (steered === 'unknown' && this.#run.stillFinding());
    if (steered === 'unknown' && !isKept) this.#run.schedule.unskip(user);
    if (isKept || steered === 'running') this.#tell({ what: 'skip', user });
    // The last one left may have been the one that was waited for.
    this.#run.pump();
    return isKept ? 'done' : steered;
  }

  unskip(user: ByteString): Steered {
    return this.#told('unskip', user, this.#run.schedule.unskip(user));
  }

  get skipped(): readonly ByteString[] {
    return this.#run.schedule.skipped;
  }

  retry(user: ByteString): Steered {
    if (this.#run.isEnding() && this.#run.schedule.hasFailed(user)) return 'failed';
    const found = this.#run.schedule.retry(user);
    if (found.kind !== 'again') return this.#told('retry', user, found.kind);
    this.#tell({ what: 'retry', user, failedKey: found.key });
    this.#run.pump();
    return 'done';
  }

  waiting(most: number): ByteString[] {
    return this.#run.schedule.firstWaiting(most);
  }

  stop(): void {
    this.#tell({ what: 'stop' });
    this.#run.stop();
  }

  #told(what: 'now' | 'unskip' | 'retry', user: ByteString, steered: Steered): Steered {
    if (steered === 'done') {
      this.#tell({ what, user });
      this.#run.pump();
    }
    return steered;
  }

  #tell(change: SteeringChange): void {
    this.#run.emit({ kind: 'run:steered', ...change });
  }
}
