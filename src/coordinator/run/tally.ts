import type { ByteString } from '../../byte-string.ts';
import type { Effort, EventListener, Evidence, RunSummary, UserSettled } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { jobKey, jobUser } from '../pool/job-key.ts';
import type { Counts, Job } from '../pool/messages.ts';
import type { Abandoned, Disposition, FinalOutcome } from './schedule.ts';

/** The part of a summary that no job tells. */
type RestOfSummary = 'elapsedMs' | 'connections' | 'unmatched' | 'allFound' | 'stoppedBy';

/** Counts what became of the jobs and tells it as events. */
export class Tally {
  readonly #emit: EventListener;
  readonly #totals: Omit<RunSummary, RestOfSummary> = {
    synced: 0,
    absent: 0,
    locked: 0,
    failed: 0,
    messagesUploaded: 0,
    octetsUploaded: 0,
    mailboxesUpdated: 0,
    failures: [],
    unreached: [],
  };

  constructor(emit: EventListener) {
    this.#emit = emit;
  }

  take(disposition: Disposition): void {
    switch (disposition.kind) {
      case 'final':
        this.#tellEvidence(disposition.evidence);
        this.#final(disposition.outcome, disposition.effort, disposition.again);
        break;
      case 'parked':
        if (disposition.first) {
          this.#emit({ kind: 'run:parked', key: jobKey(disposition.job), user: disposition.user });
        }
        break;
      case 'retry': {
        const { job, delayMs, error } = disposition;
        this.#emit({ kind: 'run:retry', key: jobKey(job), user: jobUser(job), delayMs, error });
        break;
      }
      case 'returned':
        break;
    }
  }

  /** Its turn never came, or had not come to its end when the run was over. */
  unreached({ job, effort, failed, evidence }: Abandoned): void {
    this.#tellEvidence(evidence.length > 0 ? evidence : (failed?.evidence ?? []));
    if (failed) {
      // Its last word stands, told again to whoever has heard that there would be another.
      this.#settled(job, effort, 'failed', true, failed.error);
      return;
    }
    this.#settled(job, effort, 'not-reached', false);
    this.#totals.unreached.push({ user: jobUser(job), ...mailboxesOf(job) });
  }

  /** Users by what became of them. */
  get counts(): Pick<RunSummary, 'synced' | 'absent' | 'locked' | 'failed'> {
    return this.#totals;
  }

  summary(rest: Pick<RunSummary, RestOfSummary>): RunSummary {
    return { ...this.#totals, ...rest };
  }

  #tellEvidence(evidence: readonly Evidence[]): void {
    for (const each of evidence) this.#emit(each);
  }

  #final(outcome: FinalOutcome, effort: Effort, again: boolean): void {
    const { job } = outcome;
    const user = jobUser(job);
    if (again) this.#takeBack(user);
    switch (outcome.kind) {
      case 'synced':
        this.#totals.synced += 1;
        this.#count(outcome.counts);
        this.#settled(job, effort, 'replicated', again);
        this.#emit({ kind: 'user:done', user });
        break;
      case 'absent':
        // The engine has said so.
        this.#totals.absent += 1;
        this.#settled(job, effort, 'absent', again);
        break;
      case 'locked':
        this.#totals.locked += 1;
        this.#settled(job, effort, 'locked', again);
        this.#emit({ kind: 'user:locked', user: outcome.user, ...mailboxesOf(job) });
        break;
      case 'failed': {
        const { error, counts } = outcome;
        this.#totals.failed += 1;
        this.#totals.failures.push({ user, error });
        this.#count(counts);
        this.#settled(job, effort, 'failed', again, error);
        this.#emit({ kind: 'user:failed', user, work: job.kind, ...mailboxesOf(job), error });
        break;
      }
    }
  }

  /** The failure of a user who was asked for again and has come to another end. */
  #takeBack(user: ByteString): void {
    const { failures } = this.#totals;
    const index = failures.findIndex((failure) => failure.user === user);
    if (index < 0) return;
    failures.splice(index, 1);
    this.#totals.failed -= 1;
  }

  #settled(job: Job, effort: Effort, status: UserSettled['status'], again: boolean, error?: ErrorData): void {
    const about = { key: jobKey(job), user: jobUser(job), ...mailboxesOf(job) };
    // A copy, because the effort of a job that is asked for again goes on.
    this.#emit({ kind: 'user:settled', ...about, status, again, error, effort: { ...effort } });
  }

  #count(counts: Counts): void {
    this.#totals.messagesUploaded += counts.messages;
    this.#totals.octetsUploaded += counts.octets;
    this.#totals.mailboxesUpdated += counts.mailboxes;
  }
}

function mailboxesOf(job: Job): { mailboxes?: ByteString[] } {
  return job.kind === 'mailboxes' ? { mailboxes: job.names } : {};
}
