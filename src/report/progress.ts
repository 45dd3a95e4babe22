import { Writable } from 'node:stream';
import type { SingleBar } from 'cli-progress';
import type { EventListener } from './events.ts';
import { followProgress, fractionDone, progressText, startOfProgress } from './progress-state.ts';
import type { OutputStreams, Streams } from './streams.ts';
import { TimeLeft } from './time-left.ts';

/** How often a line is written where there is no terminal to redraw on. */
const PLAIN_LINE_INTERVAL_MS = 5_000;
const REDRAWS_PER_SECOND = 5;

/**
 * The progress display on stderr: one line that is redrawn, or where stderr is no terminal a plain line every few
 * seconds.
 */
export async function progressSink(
  streams: Streams,
  { stderr }: Pick<OutputStreams, 'stderr'>,
): Promise<EventListener & Disposable> {
  const { SingleBar: Bar } = (await import('cli-progress')).default;
  const state = startOfProgress();
  const timeLeft = new TimeLeft();
  const bar: SingleBar = new Bar({
    stream: new BarStream(stderr),
    format: (_options, params) => {
      const elapsed = (Date.now() - params.startTime) / 1_000;
      // What is done before all is known is no share of the whole.
      const left = state.complete ? timeLeft.estimate(elapsed, fractionDone(state)) : undefined;
      return progressText(state, elapsed, left);
    },
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
    if (!followProgress(state, event)) return;
    bar.setTotal(state.known);
    bar.update(state.done);
  };
  return Object.assign(listener, {
    [Symbol.dispose]: () => {
      bar.stop();
      streams.clearLine = () => {};
    },
  });
}

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
