/** One connection over one interval, and the others beside it. */
export interface LinkSample {
  elapsedMs: number;
  /** Octets of commands that were answered. */
  octets: number;
  /** Octets a second of this host's other connections, as they were last looked at: they have the link and the processors in common. */
  othersRate: number;
  /** Milliseconds during which more could have been sent. */
  waitedMs: number;
  /** Processors of this host that nobody used: a sum of shares. */
  idleProcessors: number;
  /** The other end is on this host, or looks like it: perhaps a tunnel. */
  local: boolean;
}

/** Share of the interval that has to be spent waiting: otherwise it is not the other end that holds things up. */
const LEAST_WAITED = 0.5;
/** Less says nothing. */
const LEAST_OCTETS = 128 * 1024;
/** Octets a second, past which the link is not worth a third of a processor ... */
const FAST_LINK = 20_000_000;
/** ... and to this host, where a slow replica is likelier than a slow tunnel. */
const FAST_TUNNEL = 1_000_000;
/** A link this slow is worth zlib's usual level, which takes twice the time and leaves a tenth less of mail. */
const SLOW_LINK = 1_000_000;
/** Share of a processor that nobody misses. */
const NEGLIGIBLE = 0.05;
const LEVELS = [
  { level: 6, upTo: SLOW_LINK, deflated: 25_000_000 },
  { level: 1, upTo: FAST_LINK, deflated: 60_000_000 },
] as const;

/**
 * The zlib level that pays for what was seen, if all connections that go over the link get it. Pure.
 *
 * Whether a slow link or a slow replica makes us wait cannot be told apart from here. So compression begins only where the
 * processor time that it will take is small and idle anyway: then it costs nothing where it does not help.
 *
 * @returns `undecided`: look again when more was answered
 */
export function levelThatPays(sample: LinkSample): number | 'none' | 'undecided' {
  const { elapsedMs, octets, othersRate, waitedMs, idleProcessors, local } = sample;
  if (waitedMs < elapsedMs * LEAST_WAITED) return 'none';
  if (octets < LEAST_OCTETS) return 'undecided';
  const rate = (octets * 1000) / elapsedMs + othersRate;
  if (local && rate > FAST_TUNNEL) return 'none';
  const spare = Math.max(NEGLIGIBLE, idleProcessors);
  return LEVELS.find(({ upTo, deflated }) => rate <= upTo && rate / deflated <= spare)?.level ?? 'none';
}
