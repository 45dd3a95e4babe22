import type { Backlog } from '../../report/events.ts';
import { printable } from '../../report/printable.ts';
import type { RunView } from './run-view.ts';
import { standingText } from './standing.ts';

/** A run that is there and has nothing to tell yet, or no more. */
export const BETWEEN = 'beginning or ending';

/** One run as it was asked, for a monitoring plugin. */
export interface AskedRun {
  name: string;
  /** undefined: it does not answer. */
  view: RunView | typeof BETWEEN | undefined;
  /** Rolling mode, at this moment. */
  backlog: Pick<Backlog, 'lines' | 'oldestMs' | 'link'> | undefined;
}

export interface Thresholds {
  warningSeconds: number;
  criticalSeconds: number;
}

/** Exit codes of a plugin, in the order of the words that its line begins with. */
const WORDS = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
const [OK, WARNING, CRITICAL, UNKNOWN] = [0, 1, 2, 3];

const HINDERED: readonly string[] = ['waiting-for-replica', 'replica-ill', 'host-out-of-files'];

/** @returns the one line of a plugin, with figures behind a bar, and its exit code */
export function nagiosVerdict(
  runs: readonly AskedRun[],
  thresholds: Thresholds,
): { exitCode: number; line: string } {
  if (runs.length === 0) {
    return { exitCode: UNKNOWN, line: 'CYRUS-SYNC UNKNOWN - no run is under way that can be asked' };
  }
  const judged = runs.map((run) => judge(run, thresholds));
  const exitCode = Math.max(...judged.map(({ level }) => level));
  // The worst is what the first columns of a monitor show.
  const texts = judged.toSorted((a, b) => b.level - a.level).map(({ text }) => text);
  const figures = runs.flatMap((run) => figuresOf(run, thresholds));
  const bar = figures.length > 0 ? ` | ${figures.join(' ')}` : '';
  return { exitCode, line: `CYRUS-SYNC ${WORDS[exitCode]} - ${texts.join('; ')}${bar}` };
}

function judge({ name, view, backlog }: AskedRun, thresholds: Thresholds): { level: number; text: string } {
  const told = (level: number, text: string) => ({ level, text: `${nameOf(name)}: ${oneLine(text)}` });
  if (!view) return told(CRITICAL, 'does not answer');
  // Every run with an end passes through it twice, and an alarm each time would teach to overlook them.
  if (view === BETWEEN) return told(OK, BETWEEN);
  const standing = standingText(view.standing);
  if (HINDERED.includes(view.standing.word)) return told(CRITICAL, standing);
  if (backlog?.link === 'down') return told(CRITICAL, 'the replica cannot be reached');
  const oldestSeconds = (backlog?.oldestMs ?? 0) / 1_000;
  const behind = `${Math.round(oldestSeconds)} s behind, ${backlog?.lines ?? 0} lines (${standing})`;
  if (oldestSeconds >= thresholds.criticalSeconds) return told(CRITICAL, behind);
  if (oldestSeconds >= thresholds.warningSeconds) return told(WARNING, behind);
  const quarantined = view.rolling?.quarantined.length ?? 0;
  if (quarantined > 0) return told(WARNING, `${quarantined} users in quarantine`);
  if (!view.rolling && view.users.failed > 0) return told(WARNING, `${view.users.failed} users failed`);
  return told(OK, backlog ? behind : standing);
}

function figuresOf({ name, view, backlog }: AskedRun, thresholds: Thresholds): string[] {
  const { warningSeconds, criticalSeconds } = thresholds;
  const label = nameOf(name);
  if (backlog) {
    const oldest = ((backlog.oldestMs ?? 0) / 1_000).toFixed(1);
    return [
      `'${label} behind'=${oldest}s;${warningSeconds};${criticalSeconds};0`,
      `'${label} lines'=${backlog.lines};;;0`,
    ];
  }
  return typeof view === 'object'
    ? [`'${label} left'=${view.users.left};;;0`, `'${label} failed'=${view.users.failed};;;0`]
    : [];
}

/** A quote or an equals sign would end the label of a figure. */
function nameOf(name: string): string {
  return oneLine(name).replace(/['=]/g, '_');
}

/** A bar would begin the figures. */
function oneLine(text: string): string {
  return printable(text).replaceAll('|', '/');
}
