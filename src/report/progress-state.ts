import type { ByteString } from '../byte-string.ts';
import type { SyncEvent } from './events.ts';

/** What a progress display shows, gathered from events. */
export interface ProgressState {
  /** Users (and groups of shared mailboxes) known, and whether all are. */
  known: number;
  complete: boolean;
  /** Messages that the users known have here: an estimate. */
  expected: number;
  done: number;
  failed: number;
  locked: number;
  messages: number;
  octets: number;
  /** Messages, as estimated, of the users who are done. */
  settled: number;
  /** Messages that are there of users who are not done yet: large ones take their time. */
  underWay: Map<ByteString, number>;
}

export function startOfProgress(): ProgressState {
  return {
    known: 0,
    complete: false,
    expected: 0,
    done: 0,
    failed: 0,
    locked: 0,
    messages: 0,
    octets: 0,
    settled: 0,
    underWay: new Map(),
  };
}

/** @returns whether anything shown has changed */
export function followProgress(state: ProgressState, event: SyncEvent): boolean {
  switch (event.kind) {
    case 'run:discovered':
      state.known = event.users;
      state.expected = event.messages;
      state.complete = event.complete;
      return true;
    case 'user:synced':
      state.settled += event.size;
      finish(state, event.user);
      return true;
    case 'user:absent':
      finish(state, event.user);
      return true;
    case 'user:locked':
      finish(state, event.user);
      state.locked += 1;
      return true;
    case 'user:failed':
      finish(state, event.user);
      state.failed += 1;
      return true;
    case 'user:progress':
      state.messages += event.messages;
      state.octets += event.octets;
      state.underWay.set(event.user, (state.underWay.get(event.user) ?? 0) + event.messages);
      return true;
    default:
      return false;
  }
}

function finish(state: ProgressState, user: ByteString): void {
  state.done += 1;
  state.underWay.delete(user);
}

/** Comparing a user is as much work as uploading so many messages: what a connection does of either in the same time. */
const MESSAGES_PER_USER = 100;

/** The part of the work that is done, from 0 to 1: users and messages in one measure. */
export function fractionDone(state: ProgressState): number {
  const { known, expected, done, failed, locked, settled, underWay } = state;
  if (known === 0) return 0;
  // The size of those who end without mail is not told: on average it is everybody's.
  const dropped = ((failed + locked) / known) * expected;
  let messages = settled + dropped;
  for (const uploaded of underWay.values()) messages += uploaded;
  const whole = expected + known * MESSAGES_PER_USER;
  return Math.min(1, (Math.min(expected, messages) + done * MESSAGES_PER_USER) / whole);
}

const MEGABYTE = 1_000_000;

/** @param etaSeconds undefined = cannot be told yet */
export function progressText(
  state: ProgressState,
  elapsedSeconds: number,
  etaSeconds: number | undefined,
): string {
  const { known, complete, done, failed, locked, messages, octets } = state;
  const seconds = Math.max(1, elapsedSeconds);
  const megabytes = octets / MEGABYTE;
  const percent = Math.floor(fractionDone(state) * 100);
  const parts = [
    // While users are still being found, a share or an estimate would only mislead.
    complete ? `${done}/${known} users, ${percent}%` : `${done}/${known}+ users`,
    `${messages} messages, ${megabytes.toFixed(1)} MB`,
    `${Math.round(messages / seconds)}/s, ${(megabytes / seconds).toFixed(1)} MB/s`,
  ];
  if (complete && done < known && etaSeconds !== undefined) parts.push(`ETA ${duration(etaSeconds)}`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (locked > 0) parts.push(`${locked} locked`);
  return parts.join(' | ');
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = `${String(minutes).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
