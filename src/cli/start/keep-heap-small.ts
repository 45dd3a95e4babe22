import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** By how much the heap may outgrow what is alive in it before garbage is collected; V8's own choice is several times. */
const TIGHT_PERCENT = 50;
/** The room while the whole process is small, where each collection costs the same however little it finds. */
const ROOMY_PERCENT = 150;
const SMALL_PROCESS_OCTETS = 128 * 1024 ** 2;
/** Both halves of the room for young objects, between which V8 copies what survives. */
const YOUNG_OCTETS = 8 * 1024 ** 2;
/** By how much V8 makes that room larger at a time; 1 leaves it as it is. */
const YOUNG_GROWS = 2;
const YOUNG_STAYS = 1;
const LOOK_EVERY_MS = 250;

/**
 * Replication makes short-lived objects by the million and keeps few. Left alone V8 lets the garbage pile up with the
 * size of a mailbox; for this process and its threads memory is to stay flat instead, at the price of some more
 * collections of a small heap. To be called before the threads are started.
 *
 * All of it is said to V8 while it runs: a Node that is started with any flag of V8 does not take the compiled code that it
 * has of its own modules, and a small run would wait for them longer than for the replica.
 */
export function keepHeapSmall(): void {
  let percent = 0;
  let factor = YOUNG_GROWS;
  const look = (): void => {
    const resident = residentOctets();
    const wanted = resident === undefined ? percent : growingPercent(resident);
    if (wanted !== percent) setFlagsFromString(`--heap-growing-percent=${wanted}`);
    percent = wanted;
    const young = getHeapSpaceStatistics().find((each) => each.space_name === 'new_space');
    const wantedFactor = youngGrowthFactor(young?.space_size ?? 0);
    if (wantedFactor !== factor) setFlagsFromString(`--semi-space-growth-factor=${wantedFactor}`);
    factor = wantedFactor;
  };
  // A run that is over before the first look does not fill what V8 begins with.
  setInterval(look, LOOK_EVERY_MS).unref();
}

/** undefined: it takes a descriptor to find out, and there may be none just now. */
function residentOctets(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}

/** @param resident octets of the process, its threads and its buffers included */
export function growingPercent(resident: number): number {
  return resident < SMALL_PROCESS_OCTETS ? ROOMY_PERCENT : TIGHT_PERCENT;
}

/**
 * Nearly all that is made is garbage within milliseconds. Four times as much room, as V8 would take, was a quarter of the
 * memory of a run that had lasted a minute, and no faster. V8 makes it smaller in an idle hour; then it may grow again.
 *
 * @param youngOctets of this thread's room for young objects
 */
export function youngGrowthFactor(youngOctets: number): number {
  return youngOctets < YOUNG_OCTETS ? YOUNG_GROWS : YOUNG_STAYS;
}
