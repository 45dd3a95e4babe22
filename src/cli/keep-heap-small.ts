import { setFlagsFromString } from 'node:v8';

/** By how much the heap may outgrow what is alive in it before garbage is collected; V8's own choice is several times. */
const GROWING_PERCENT = 50;

/**
 * Replication makes short-lived objects by the million and keeps few. Left alone V8 lets the garbage pile up with the
 * size of a mailbox; for this process and its threads memory is to stay flat instead, at the price of some more
 * collections of a small heap. To be called before the threads are started.
 */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}
