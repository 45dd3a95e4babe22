import type { FleetPlan, UnfitReason } from '../../fleet/planner/fleet-plan.ts';
import type { FleetView, UserStanding, WaveView } from '../../fleet/state/fleet-view.ts';
import { printable } from '../../report/printable.ts';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
/** Users who do not fit, of each reason, or who need a person, that are named. */
const MOST_NAMED = 5;
const UNFIT: Readonly<Record<UnfitReason, string>> = {
  'no-wave': 'no wave is for them',
  'no-room': 'no room on the replicas of their wave',
  unknown: 'a wave names them, and no master has them',
  twice: 'in the lists of masters more than once',
  'too-long': 'more than the hours of a day',
};

/** How a fleet stands, for a screen. */
export function fleetLines({
  standing,
  users,
  onNoSlice,
  needy: firstNeedy,
  waves,
  gates,
  agents,
  octets,
  rate,
  secondsLeft,
}: FleetView): string[] {
  const left = secondsLeft === undefined ? '' : `, ${timeText(secondsLeft)} left`;
  const pace = rate === undefined ? '' : `, ${octetsText(rate)}/s`;
  return [
    `${standing}: ${users.proven} of ${users.all} users proven${needy(users.needPerson)}, ${octetsText(octets)}${pace}${left}`,
    ...(onNoSlice > 0
      ? [
          `  on no slice yet: ${countOf(onNoSlice, 'user')}; unless fleet start or add is at work, call it again with the plan`,
        ]
      : []),
    ...waves.map((wave) => `  wave ${wave.name.padEnd(12)} ${waveText(wave)}`),
    ...gates.map(
      ({ name, held, limit, paused }) =>
        `  ${name.replace('/', ' ').padEnd(17)} ${held} of ${limit} slices${paused ? ', paused' : ''}`,
    ),
    ...agents.map(
      ({ name, slice, isLost }) =>
        `  agent ${printable(name).padEnd(11)} ${isLost ? 'no sign of life' : slice === null ? 'waits' : `at ${printable(slice)}`}`,
    ),
    ...firstNeedy
      .slice(0, MOST_NAMED)
      .map((one) => `  needs a person: ${printable(one.user)}: ${printable(whyText(one))}`),
    ...(users.needPerson > MOST_NAMED
      ? [`  and ${users.needPerson - MOST_NAMED} more: cyrus-sync fleet users failed`]
      : []),
  ];
}

function waveText({ all, proven, cancelled, left, needPerson, done }: WaveView): string {
  if (done)
    return `done: all ${proven} users proven identical${cancelled > 0 ? `, ${cancelled} cancelled` : ''}`;
  const out = cancelled > 0 ? `, ${cancelled} cancelled` : '';
  return `${proven} of ${all} proven, ${left} to do${needy(needPerson)}${out}`;
}

function needy(count: number): string {
  return count === 0 ? '' : count === 1 ? ', 1 needs a person' : `, ${count} need a person`;
}

export function userLine(standing: UserStanding): string {
  const { user, wave, master, replica, outcome, result } = standing;
  const seconds = result ? `${Math.round(result.seconds)} s` : '-';
  return [user, wave, `${master} to ${replica}`, outcome, result?.grade ?? '-', seconds, whyText(standing)]
    .map(printable)
    .join('\t');
}

function whyText({ result, reason = '' }: UserStanding): string {
  const error = result?.error;
  if (!error) return reason;
  return `${error.code}: ${error.message}${error.hint ? ` (${error.hint})` : ''}`;
}

/** A plan, for whoever is to say yes to it. */
export function planLines({ fleet, waves, unfit, users, octets, seconds }: FleetPlan): string[] {
  const reasons = new Map<UnfitReason, string[]>();
  for (const { reason, user } of unfit) reasons.set(reason, [...(reasons.get(reason) ?? []), user]);
  return [
    `fleet ${fleet}: ${countOf(users, 'user')}, ${octetsText(octets)}, about ${timeText(seconds)}`,
    ...waves.map(
      (wave) =>
        `  wave ${wave.name.padEnd(12)} ${countOf(wave.users, 'user')} in ${countOf(wave.slices.length, 'slice')}, ${octetsText(wave.octets)}, about ${timeText(wave.seconds)}`,
    ),
    ...[...reasons].map(([reason, names]) => {
      const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
      return `  does not fit (${reason}: ${UNFIT[reason]}): ${names.slice(0, MOST_NAMED).map(printable).join(', ')}${more}`;
    }),
  ];
}

/** @param what in the singular */
export function countOf(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

function octetsText(octets: number): string {
  let value = octets;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

function timeText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}
