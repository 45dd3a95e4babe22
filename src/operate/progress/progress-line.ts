import type { RunView } from '../state/run-view.ts';
import { standingText } from '../state/standing.ts';

const MEGABYTE = 1_000_000;

/** How far a run is, in one line. */
export function progressLine(view: RunView): string {
  const { standing, users, messages, octets, rateAverage, secondsLeft } = view;
  const settled = users.found - users.left;
  const percent = Math.floor((view.done ?? 0) * 100);
  const parts = [
    // While users are still being found, a share or an estimate would only mislead.
    users.allFound ? `${settled}/${users.found} users, ${percent}%` : `${settled}/${users.found}+ users`,
    `${messages} messages, ${(octets / MEGABYTE).toFixed(1)} MB`,
    `${Math.round(rateAverage.messages)}/s, ${(rateAverage.octets / MEGABYTE).toFixed(1)} MB/s`,
  ];
  if (secondsLeft !== null) parts.push(`ETA ${duration(secondsLeft)}`);
  if (users.failed > 0) parts.push(`${users.failed} failed`);
  if (users.locked > 0) parts.push(`${users.locked} locked`);
  if (standing.reason !== undefined) parts.push(standingText(standing));
  return parts.join(' | ');
}

/** `12:05`, `1:02:05`. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const hours = Math.floor(whole / 3_600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = `${String(minutes).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}
