import type { RunView } from '../state/run-view.ts';
import { failureLines, headLines, workLines } from '../state/status-lines.ts';
import { type ScreenSize, wrap } from './screen.ts';

/** Failures that a small screen has room for. */
const LEAST_FAILURES = 1;
const MOST_FAILURES = 4;

/** The screen of a run, of that size: first how far it is, then the connections, at the bottom the latest failures. */
export function progressScreen(view: RunView, { columns, rows }: ScreenSize): string[] {
  const room = rows - 1;
  const head = headLines(view)
    .flatMap((line) => wrap(line, columns - 1))
    .slice(0, room);
  const left = room - head.length;
  const failures = failureLines(view);
  const work = workLines(view);
  const forFailures = Math.min(
    failures.length,
    Math.max(Math.min(LEAST_FAILURES, left), Math.min(MOST_FAILURES, left - work.length)),
  );
  const shown = failures.slice(0, forFailures);
  return [...head, ...within(work, left - shown.length), ...shown];
}

function within(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines];
  if (most < 1) return [];
  return [...lines.slice(0, most - 1), `  ... and ${lines.length - most + 1} connections more`];
}
