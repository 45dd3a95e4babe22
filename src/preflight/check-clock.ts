import type { ReplicaMailbox } from '../protocol/replica-session.ts';
import type { Finding } from './finding.ts';

/** Clocks that are set by NTP differ by far less. */
const TOLERATED_SECONDS = 120;

/**
 * The protocol tells no time. What the replica has noted down does: nothing can have happened there that lies ahead of a
 * right clock.
 */
export function checkClock(there: readonly ReplicaMailbox[], now: number): Finding[] {
  const check = 'clock';
  const newest = Math.max(
    0,
    ...there.flatMap(({ recenttime, lastAppenddate }) => [recenttime, lastAppenddate]),
  );
  const ahead = newest - Math.floor(now / 1_000);
  if (ahead > TOLERATED_SECONDS) {
    const text = `the replica has a mailbox that was changed ${ahead} seconds from now, by the clock of this host`;
    return [{ check, verdict: 'warning', text, advice: 'set both clocks by NTP; conflicts go by times too' }];
  }
  const what = newest === 0 ? 'nothing there bears a date' : 'nothing there is dated ahead of this clock';
  return [{ check, verdict: 'ok', text: `${what} (the protocol tells no time)` }];
}
