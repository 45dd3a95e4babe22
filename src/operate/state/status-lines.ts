import type { RunView, UserView } from './run-view.ts';
import { standingText } from './standing.ts';

/** `12.3 MB`: decimal, as rates of links are. */
export function octetsText(octets: number): string {
  for (const [size, unit] of [
    [1e12, 'TB'],
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
  ] as const) {
    if (octets >= size) return `${(octets / size).toFixed(1)} ${unit}`;
  }
  return `${Math.round(octets)} B`;
}

/** `42s`, `12:05`, `1:02:05`, `3d 04:00`. */
export function timeText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (number: number): string => String(number).padStart(2, '0');
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3_600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  if (days > 0) return `${days}d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return minutes > 0 ? `${minutes}:${two(whole % 60)}` : `${whole}s`;
}

/** How a run stands, for people, in lines of no particular length. */
export function statusLines(view: RunView): string[] {
  return [...headLines(view), ...workLines(view), ...failureLines(view)];
}

/** The whole in a few lines. */
export function headLines(view: RunView): string[] {
  const { standing, mode, server, channel, elapsedMs, messages, octets, rateNow, rateAverage } = view;
  const about = [mode ?? 'run', `to ${server}`, ...(channel === null ? [] : [`channel ${channel}`])];
  const lines = [
    `${standingText(standing)} (${about.join(' ')}, ${timeText(elapsedMs / 1_000)})`,
    view.rolling ? rollingLine(view) : usersLine(view),
    `${messages} messages, ${octetsText(octets)}; now ${octetsText(rateNow.octets)}/s, ` +
      `average ${octetsText(rateAverage.octets)}/s${leftText(view)}`,
  ];
  const steered = steeringText(view);
  return steered === '' ? lines : [...lines, steered];
}

function usersLine({ users, done }: RunView): string {
  const { found, allFound, left, running, waiting, waitingForLock, waitingToRetry } = users;
  const share = done === null || !allFound ? '' : ` (${Math.floor(done * 100)}%)`;
  const others: [number, string][] = [
    [users.failed, 'failed'],
    [users.locked, 'locked'],
    [users.absent, 'absent'],
    [users.notReached, 'not reached'],
    [running, 'at work'],
    [waiting, 'waiting'],
    [waitingForLock, 'waiting for a lock'],
    [waitingToRetry, 'waiting to retry'],
  ];
  const told = others.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${found - left} of ${found}${allFound ? '' : '+'} users done${share}`, ...told].join(', ');
}

function rollingLine({ users, rolling }: RunView): string {
  const { backlog, lag, quarantined } = rolling ?? {};
  const parts = [
    backlog ? `${backlog.lines} lines behind` : 'backlog not told yet',
    ...(typeof backlog?.oldestSeconds === 'number' ? [`oldest ${timeText(backlog.oldestSeconds)}`] : []),
    `${users.running} at work`,
    `${users.done} done`,
    ...(typeof lag?.lastSeconds === 'number' ? [`last change took ${lag.lastSeconds.toFixed(1)} s`] : []),
    ...(quarantined && quarantined.length > 0
      ? [`in quarantine: ${quarantined.map(({ user }) => user).join(' ')}`]
      : []),
  ];
  return parts.join(', ');
}

function leftText({ octetsLeft, secondsLeft }: RunView): string {
  const left = octetsLeft === null || octetsLeft === 0 ? '' : `; about ${octetsText(octetsLeft)} left`;
  return secondsLeft === null ? left : `${left}, ${timeText(secondsLeft)} to go`;
}

function steeringText({ steering, connections, connectionsMost }: RunView): string {
  const parts: string[] = [];
  if (connectionsMost) {
    parts.push(`${connections.length} of ${connectionsMost.most} connections (${connectionsMost.why})`);
  }
  if (steering.bwlimit !== null) parts.push(`at most ${octetsText(steering.bwlimit)}/s`);
  if (steering.skipped.length > 0) parts.push(`skipped: ${steering.skipped.join(' ')}`);
  return parts.join(', ');
}

/** A line for each connection. */
export function workLines({ connections }: RunView): string[] {
  return connections.map(({ standing, work }, index) => {
    const users = work.map(userText);
    return `  ${index + 1}  ${users.length === 0 ? standingText(standing) : users.join(', ')}`;
  });
}

function userText({ user, forMs, messages, octets }: UserView): string {
  const sent = messages === 0 ? '' : `, ${messages} messages, ${octetsText(octets)}`;
  return `${user} (${timeText(forMs / 1_000)}${sent})`;
}

/** The latest failures, a line for each. */
export function failureLines({ failures }: RunView): string[] {
  return failures.map(
    ({ user, message, hint, agoMs }) =>
      `  ! ${timeText(agoMs / 1_000)} ago  ${user}: ${message}${hint === null ? '' : ` (${hint})`}`,
  );
}
