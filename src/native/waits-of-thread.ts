import { libc } from './libc.ts';

/** The calling thread alone (getrusage(2)). */
const RUSAGE_THREAD = 1;
/** Two struct timeval, and twelve counters of 64 bits, before that of voluntary context switches. */
const SWITCHES_OFFSET = 2 * 16 + 12 * 8;
const RUSAGE_OCTETS = SWITCHES_OFFSET + 2 * 8;

const usage = Buffer.alloc(RUSAGE_OCTETS);

/**
 * How often this thread has given up its processor because it had to wait, as a count that wraps: for a disk, a lock, an event. To
 * be kept from running by others who have the processor is none of these.
 */
export function waitsOfThread(): number {
  return libc().getrusage(RUSAGE_THREAD, usage) === 0 ? usage.readUInt32LE(SWITCHES_OFFSET) : 0;
}
