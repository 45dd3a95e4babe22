import type { ByteString } from '../../byte-string.ts';
import type { Effort, Evidence } from '../../report/events.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { BREAKS_TO_SET_ASIDE, GIANT_MESSAGES } from '../limits.ts';
import { jobKey } from '../pool/job-key.ts';
import type { Job, Outcome } from '../pool/messages.ts';

/** A job of the run with all that its attempts have shown. */
export interface ScheduledJob {
  job: Job;
  readonly key: string;
  readonly giant: boolean;
  readonly size: number;
  attempts: number;
  linkAttempts: number;
  fruitlessLinkAttempts: number;
  /** Mailboxes that the replica was at when the link broke, and how often it did. */
  readonly breaks: Map<ByteString, number>;
  timesParked: number;
  /** The latest: in which batch, and whether nobody else was under way then. */
  start: { batch: number; alone: boolean } | undefined;
  /** Found by the latest attempt that found anything, and not told yet. */
  evidence: readonly Evidence[];
  /** Its last word; somebody may have asked for another attempt since. */
  failed: Failed | undefined;
  readonly effort: Effort;
}

/** A last word that may be told again, should the attempt that was asked for come to no end. */
export interface Failed {
  error: ErrorData;
  /** The verdict alone: of differences there may be very many. */
  evidence: readonly Evidence[];
}

/** A user of whom nothing is known yet but the size is held as no more than the userid: of those there may be a million. */
export type WaitingJob = ByteString | ScheduledJob;

function noEffort(): Effort {
  return { attempts: 0, lockWaits: 0, mailboxes: 0, messages: 0, octets: 0, elapsedMs: 0 };
}

/** Adds an attempt to the effort of its job. */
export function spend(effort: Effort, outcome: Outcome): void {
  if (outcome.kind === 'untouched' || outcome.kind === 'postponed') return;
  if (outcome.kind === 'locked') effort.lockWaits += 1;
  else effort.attempts += 1;
  effort.elapsedMs += outcome.elapsedMs ?? 0;
  if (outcome.kind !== 'synced' && outcome.kind !== 'failed') return;
  effort.mailboxes += outcome.counts.mailboxes;
  effort.messages += outcome.counts.messages;
  effort.octets += outcome.counts.octets;
}

/** No other attempt follows: takes what is to be told of those that there were. */
export function takeEvidence(entry: ScheduledJob): readonly Evidence[] {
  const { evidence } = entry;
  entry.evidence = [];
  return evidence;
}

export function failedWith(error: ErrorData, evidence: readonly Evidence[]): Failed {
  return {
    error,
    evidence: evidence.filter(({ kind }) => kind === 'verify:verdict' || kind === 'user:graded'),
  };
}

/** @param size messages expected */
export function scheduledJob(job: Job, size: number): ScheduledJob {
  return {
    job,
    key: jobKey(job),
    giant: size >= GIANT_MESSAGES,
    size,
    attempts: 0,
    linkAttempts: 0,
    fruitlessLinkAttempts: 0,
    breaks: new Map(),
    timesParked: 0,
    start: undefined,
    evidence: [],
    failed: undefined,
    effort: noEffort(),
  };
}

/** undefined: mailboxes rather than a user. */
export function userOf(waiting: WaitingJob): ByteString | undefined {
  if (typeof waiting === 'string') return waiting;
  return waiting.job.kind === 'mailboxes' ? undefined : waiting.job.userid;
}

function jobOf(waiting: WaitingJob): Job {
  return typeof waiting === 'string' ? { kind: 'user', userid: waiting } : waiting.job;
}

export function scheduledJobOf(waiting: WaitingJob, size: number): ScheduledJob {
  return typeof waiting === 'string' ? scheduledJob(jobOf(waiting), size) : waiting;
}
/**
 * Sets the mailbox aside at which the replica was when the link broke, once it has done so often enough without progress: a
 * long upload over a bad network is cut at the same mailbox too.
 *
 * @returns whether it was set aside
 */
export function setSuspectAside(
  entry: ScheduledJob,
  { suspect, error, counts }: Outcome & { kind: 'failed' },
): boolean {
  if (suspect === undefined || counts.messages > 0) return false;
  const times = (entry.breaks.get(suspect) ?? 0) + 1;
  entry.breaks.set(suspect, times);
  const already = entry.job.setAside ?? [];
  if (times < BREAKS_TO_SET_ASIDE || already.some(({ mailbox }) => mailbox === suspect)) return false;
  entry.job = { ...entry.job, setAside: [...already, { mailbox: suspect, error }] };
  entry.fruitlessLinkAttempts = 0;
  return true;
}

/** Broken links count no more, nor does any mailbox that was set aside for them. */
export function forgiveLosses(entry: ScheduledJob): void {
  entry.linkAttempts = 0;
  entry.fruitlessLinkAttempts = 0;
  entry.breaks.clear();
  const { setAside: _innocent, ...job } = entry.job;
  entry.job = job;
}
