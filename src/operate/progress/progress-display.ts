/**
 * The door of `operate/progress`. Here is what a person at a terminal sees of a run while it lasts. It may write to the streams
 * that it is given and to nothing else, and shows what `operate/state` says. It leaves a clean terminal however the run ends, and
 * never stands between the lines of others.
 */

import { Writable } from 'node:stream';
import type { SingleBar } from 'cli-progress';
import type { EventListener, SyncEvent } from '../../report/events.ts';
import type { OutputStreams, Streams } from '../../report/streams.ts';
import type { RunView } from '../state/run-view.ts';
import { progressLine } from './progress-line.ts';

/** How often a line is written where there is no terminal to redraw on. */
const PLAIN_LINE_INTERVAL_MS = 5_000;
const REDRAWS_PER_SECOND = 5;

/**
 * The progress display on stderr: one line that is redrawn, or where stderr is no terminal a plain line every few
 * seconds.
 */
export async function progressDisplay(
  streams: Streams,
  { stderr }: Pick<OutputStreams, 'stderr'>,
  view: () => RunView,
): Promise<EventListener & Disposable> {
  const { SingleBar: Bar } = (await import('cli-progress')).default;
  const bar: SingleBar = new Bar({
    stream: new BarStream(stderr),
    format: () => progressLine(view()),
    fps: REDRAWS_PER_SECOND,
    // Other lines on the terminal wipe ours.
    forceRedraw: true,
    noTTYOutput: true,
    notTTYSchedule: PLAIN_LINE_INTERVAL_MS,
    hideCursor: null,
    linewrap: true,
    // Signals are the run's business.
    gracefulExit: false,
  });
  bar.start(0, 0);
  if (stderr.isTTY) streams.clearLine = () => stderr.write('\r\x1b[2K');

  const listener: EventListener = (event) => {
    if (!SHOWN.has(event.kind)) return;
    const { users } = view();
    bar.setTotal(users.found);
    bar.update(users.found - users.left);
  };
  return Object.assign(listener, {
    [Symbol.dispose]: () => {
      bar.stop();
      streams.clearLine = () => {};
    },
  });
}

const SHOWN: ReadonlySet<SyncEvent['kind']> = new Set([
  'run:discovered',
  'user:progress',
  'work:ended',
  'user:settled',
]);

const SAVE_CURSOR = '\u001b7';
const RESTORE_CURSOR = '\u001b8';

/**
 * stderr for the bar, which would put the cursor back to where it was at its start: by then other lines have been
 * written there, and what comes after the bar would overwrite them.
 */
class BarStream extends Writable {
  readonly #stderr: OutputStreams['stderr'];
  readonly isTTY: boolean;

  constructor(stderr: OutputStreams['stderr']) {
    super({ decodeStrings: false });
    this.#stderr = stderr;
    this.isTTY = stderr.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stderr.columns;
  }

  override _write(text: string, _encoding: BufferEncoding, done: () => void): void {
    if (text !== SAVE_CURSOR && text !== RESTORE_CURSOR) this.#stderr.write(text);
    done();
  }
}
