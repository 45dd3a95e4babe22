import { setFlagsFromString } from 'node:v8';

/** By how much the heap may outgrow what is alive in it before garbage is collected; V8's own choice is several times. */
const TIGHT_PERCENT = 50;
/** The room while the whole process is small, where each collection costs the same however little it finds. */
const ROOMY_PERCENT = 150;
const SMALL_PROCESS_OCTETS = 128 * 1024 ** 2;
const LOOK_EVERY_MS = 250;

/**
 * Replication makes short-lived objects by the million and keeps few. Left alone V8 lets the garbage pile up with the
 * size of a mailbox; for this process and its threads memory is to stay flat instead, at the price of some more
 * collections of a small heap. To be called before the threads are started.
 */
export function keepHeapSmall(): void {
  let percent = 0;
  const look = (): void => {
    const wanted = growingPercent(process.memoryUsage.rss());
    if (wanted !== percent) setFlagsFromString(`--heap-growing-percent=${wanted}`);
    percent = wanted;
  };
  // A run that is over before the first look does not fill what V8 begins with.
  setInterval(look, LOOK_EVERY_MS).unref();
}

/** @param residentOctets of the process, its threads and its buffers included */
export function growingPercent(residentOctets: number): number {
  return residentOctets < SMALL_PROCESS_OCTETS ? ROOMY_PERCENT : TIGHT_PERCENT;
}
