/**
 * The door of `operate/progress`. Here is what a person at a terminal sees of a run while it lasts. It may write to the streams
 * that it is given and to nothing else, and shows what `operate/state` says. It leaves a clean terminal however the run ends, and
 * never stands between the lines of others.
 */

import type { OutputStreams, Streams } from '../../report/sinks/streams.ts';
import type { RunView } from '../state/run-view.ts';
import { headLines } from '../state/status-lines.ts';
import { progressLine } from './progress-line.ts';
import { progressScreen } from './progress-screen.ts';
import { openScreen, wrap } from './screen.ts';

const REDRAW_MS = 250;
const DEFAULT_LINE_MS = 60_000;

export interface DisplayOptions {
  stderr: OutputStreams['stderr'];
  view(): RunView;
  /** $TERM */
  terminal: string | undefined;
  /** Between two lines, where there is no terminal to draw on, or where a line is wanted in any case. */
  lineMs: number | undefined;
  /** Lines alone, whatever there is to draw on. */
  linesOnly: boolean;
}

/**
 * Shows progress on stderr until disposed of: some lines that are drawn over themselves, or where that cannot be a line now
 * and then. The last state stays.
 */
export function progressDisplay(streams: Streams, options: DisplayOptions): Disposable {
  const { stderr, view, terminal, lineMs = DEFAULT_LINE_MS, linesOnly } = options;
  const screen = openScreen(stderr, linesOnly ? undefined : terminal);
  const { size } = screen;
  if (size === undefined) {
    const tell = (): void => streams.errorText(progressLine(view()));
    const timer = setInterval(tell, lineMs).unref();
    return {
      [Symbol.dispose]: () => {
        clearInterval(timer);
        tell();
      },
    };
  }
  streams.clearLine = () => screen.clear();
  const timer = setInterval(
    () => screen.show(progressScreen(view(), screen.size ?? size)),
    REDRAW_MS,
  ).unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      const { columns } = screen.size ?? size;
      screen.show(headLines(view()).flatMap((line) => wrap(line, columns - 1)));
      screen[Symbol.dispose]();
      streams.clearLine = () => {};
    },
  };
}
