import type { ErrorData } from '../../report/sync-error.ts';
import { LOST_LINKS_TO_PAUSE } from '../limits.ts';
import type { Outcome } from '../pool/messages.ts';

/** Snapshot of the counters when a batch began: what has been counted since is no news to it. */
export interface HealthCounters {
  outages: number;
  refusals: number;
}

export type Assessment =
  | { kind: 'up' }
  /** No connection could be made. */
  | { kind: 'down'; error: ErrorData }
  /** Connections are made and lost, whoever is at work on them. `times`: so often in a row this was found. */
  | { kind: 'ill'; error: ErrorData; times: number }
  /** It is this host that has no more descriptors. `times`: so often in a row. */
  | { kind: 'out-of-files'; error: ErrorData; times: number }
  /** So many connections are up, and the replica takes no more. */
  | { kind: 'full'; connections: number }
  | { kind: 'nothing-new' };

/** Tells from batches and connections, taken together, whether the replica is there, and how much of it. */
export class ReplicaHealth {
  /** Connections that are up. */
  #open = 0;
  #outages = 0;
  #refusals = 0;
  #lostInARow = 0;
  #outOfFilesInARow = 0;
  /** Assessments as ill in a row, without one job done. */
  #ill = 0;
  /** Refused connections in a row, without one job done. */
  #refusedInARow = 0;
  /** The latest thing that the replica itself said against a job, while nothing was done. */
  #lastWords: ErrorData | undefined;

  get counters(): HealthCounters {
    return { outages: this.#outages, refusals: this.#refusals };
  }

  /** A connection that can be made says nothing about this. */
  get isIll(): boolean {
    return this.#ill > 0;
  }

  /** Connections that are up. */
  get open(): number {
    return this.#open;
  }

  opened(): void {
    this.#open += 1;
  }

  closed(): void {
    this.#open -= 1;
  }

  /**
   * @param before when the batch began
   * @param batches that run at a time: as many may lose their link together
   */
  assess(outcomes: readonly Outcome[], before: HealthCounters, batches: number): Assessment {
    // The probe may have gone to a connection that had never been lost.
    const isNews = before.outages === this.#outages;
    const outOfFiles = outcomes.find(isOutOfFiles);
    if (outOfFiles && 'error' in outOfFiles) return this.#assessOutOfFiles(outOfFiles.error, isNews);
    if (outcomes.some(gotThrough)) {
      this.#outOfFilesInARow = 0;
      this.#lostInARow = 0;
      this.#refusedInARow = 0;
      this.#ill = 0;
      this.#lastWords = undefined;
      return isNews ? { kind: 'up' } : { kind: 'nothing-new' };
    }
    for (const outcome of outcomes) this.#listen(outcome);
    const error = notConnected(outcomes);
    if (error === undefined) return this.#assessLosses(outcomes, batches, isNews);
    if (!isNews) return { kind: 'nothing-new' };
    if (!this.#isBesideOthers(error)) {
      this.#outages += 1;
      return { kind: 'down', error };
    }
    if (before.refusals !== this.#refusals) return { kind: 'nothing-new' };
    this.#refusals += 1;
    this.#refusedInARow += 1;
    return { kind: 'full', connections: this.#open };
  }

  #assessOutOfFiles(error: ErrorData, isNews: boolean): Assessment {
    if (!isNews) return { kind: 'nothing-new' };
    this.#outages += 1;
    this.#outOfFilesInARow += 1;
    return { kind: 'out-of-files', error, times: this.#outOfFilesInARow };
  }

  #assessLosses(outcomes: readonly Outcome[], batches: number, isNews: boolean): Assessment {
    const lost = outcomes.find((outcome) => outcome.kind === 'failed' && outcome.error.family === 'link');
    if (lost?.kind !== 'failed') return { kind: 'nothing-new' };
    this.#lostInARow += 1;
    if (!isNews || this.#lostInARow < LOST_LINKS_TO_PAUSE + batches) return { kind: 'nothing-new' };
    this.#outages += 1;
    this.#ill += 1;
    return { kind: 'ill', error: this.#lastWords ?? lost.error, times: this.#ill };
  }

  #listen(outcome: Outcome): void {
    if (outcome.kind !== 'failed') return;
    const { error } = outcome;
    if (error.family === 'refused' || (error.family === 'link' && error.code !== 'LINK_BROKEN'))
      this.#lastWords = error;
  }

  /** A limit of the replica's own, such as its `maxchild`. Again and again with nothing done, it is an outage. */
  #isBesideOthers({ family, phase }: ErrorData): boolean {
    if (family !== 'link' || phase !== 'connect') return false;
    return this.#open > 0 && this.#refusedInARow < LOST_LINKS_TO_PAUSE;
  }
}

function isOutOfFiles(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error.code === 'TOO_MANY_FILES';
}

/** Whole or in part: a replica that takes messages is well, whatever becomes of the job in the end. */
function gotThrough(outcome: Outcome): boolean {
  if (outcome.kind === 'synced' || outcome.kind === 'absent') return true;
  return outcome.kind === 'failed' && outcome.counts.messages > 0;
}

function notConnected(outcomes: readonly Outcome[]): ErrorData | undefined {
  for (const outcome of outcomes) {
    if (outcome.kind === 'untouched' && outcome.error.phase === 'connect') return outcome.error;
  }
  return undefined;
}
