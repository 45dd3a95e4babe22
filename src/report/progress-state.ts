import type { SyncEvent } from './events.ts';

/** What a progress display shows, gathered from events. */
export interface ProgressState {
  /** Users (and groups of shared mailboxes) known, and whether all are. */
  known: number;
  complete: boolean;
  done: number;
  failed: number;
  locked: number;
  messages: number;
  bytes: number;
}

export function startOfProgress(): ProgressState {
  return { known: 0, complete: false, done: 0, failed: 0, locked: 0, messages: 0, bytes: 0 };
}

/** @returns whether anything shown has changed */
export function followProgress(state: ProgressState, event: SyncEvent): boolean {
  switch (event.kind) {
    case 'run:discovered':
      state.known = event.users;
      state.complete = event.complete;
      return true;
    case 'user:done':
    case 'user:absent':
      state.done += 1;
      return true;
    case 'user:locked':
      state.done += 1;
      state.locked += 1;
      return true;
    case 'user:failed':
      state.done += 1;
      state.failed += 1;
      return true;
    case 'user:progress':
      state.messages += event.messages;
      state.bytes += event.bytes;
      return true;
    default:
      return false;
  }
}

const MEGABYTE = 1_000_000;

/** @param etaSeconds undefined = cannot be told yet */
export function progressText(
  state: ProgressState,
  elapsedSeconds: number,
  etaSeconds: number | undefined,
): string {
  const { known, complete, done, failed, locked, messages, bytes } = state;
  const seconds = Math.max(1, elapsedSeconds);
  const megabytes = bytes / MEGABYTE;
  const parts = [
    `${done}/${known}${complete ? '' : '+'} users`,
    `${messages} messages, ${megabytes.toFixed(1)} MB`,
    `${Math.round(messages / seconds)}/s, ${(megabytes / seconds).toFixed(1)} MB/s`,
  ];
  // While users are still being found, an estimate would only mislead.
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
