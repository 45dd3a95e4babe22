import { idleProcessorMeter } from '../../native/idle-processor-meter.ts';
import { nowMs } from '../../now-ms.ts';
import type { CompressionStart } from '../connection-settings.ts';
import type { Transport } from '../wire/transport.ts';
import type { CommandQueue } from './command-queue.ts';
import { levelThatPays } from './level-that-pays.ts';

/**
 * Milliseconds: longer than a replica applies one large step of a mailbox, during which it answers nothing however fast
 * the link is, and a small part of a run that is worth compressing.
 */
const LOOK_EVERY_MS = 5_000;

/** By connection, the octets a second that its last look found; of one that compresses, the last before it did. */
export type Rates = Map<object, number>;

/** All connections of this thread. */
const RATES: Rates = new Map();

/**
 * Begins to compress as soon as the link turns out to be what this connection waits for. What that costs and gains is judged for
 * all connections together: each of many has little of the link, and would take a little of the processors for next to nothing.
 *
 * @param level zlib level 1 to 9 instead of the one that the rate suggests
 */
export function compressWhenItPays(
  queue: Pick<CommandQueue, 'octetsAnswered' | 'compress'>,
  transport: Pick<Transport, 'closed' | 'waiting'>,
  { local, level }: { local: boolean; level: number | undefined },
  onStart: (start: CompressionStart) => void,
  rates = RATES,
): void {
  const idleProcessors = idleProcessorMeter();
  const look = () => ({
    time: nowMs(),
    octets: queue.octetsAnswered,
    waitedMs: transport.waiting.total,
  });
  let before = look();
  let isDecided = false;
  const timer = setInterval(() => {
    if (transport.closed) {
      clearInterval(timer);
      rates.delete(queue);
      return;
    }
    // What it has of the link is what it had before, though more of its mail gets across: else the others would find a faster link.
    if (isDecided) return;
    const now = look();
    const elapsedMs = now.time - before.time;
    const octets = now.octets - before.octets;
    const waitedMs = now.waitedMs - before.waitedMs;
    rates.delete(queue);
    const othersRate = [...rates.values()].reduce((total, each) => total + each, 0);
    const rate = (octets * 1000) / elapsedMs;
    rates.set(queue, rate);
    const sample = { elapsedMs, octets, othersRate, waitedMs, idleProcessors: idleProcessors(), local };
    const found = levelThatPays(sample);
    // Large commands are answered seconds apart on a slow link.
    if (found !== 'undecided') before = now;
    if (typeof found !== 'number') return;
    isDecided = true;
    void begin(queue, level ?? found, rate + othersRate, onStart);
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** A replica that refuses, or a link that breaks meanwhile, leaves things as they are: nobody asked for compression. */
async function begin(
  queue: Pick<CommandQueue, 'compress'>,
  level: number,
  rate: number,
  onStart: (start: CompressionStart) => void,
): Promise<void> {
  const accepted = await queue.compress(level).catch(() => false);
  if (accepted) onStart({ level, rate });
}
