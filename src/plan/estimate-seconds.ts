import type { PlanTotals } from './plan-record.ts';

/** The pace of a pair in a second: as given, or as a run before was measured. */
export interface Pace {
  octetsPerSecond: number | undefined;
  messagesPerSecond: number | undefined;
}

/**
 * How long a run would take. Comparing costs it what it has cost the plan, which does the same; sending goes on beside
 * that, bound by the octets that the link takes or the messages that the replica does, whichever is less.
 *
 * @param planSeconds what the plan has taken
 * @returns seconds; undefined: nothing is known of the pace, and there is something to send
 */
export function estimateSeconds(
  { octets, messages }: Pick<PlanTotals, 'octets' | 'messages'>,
  { octetsPerSecond, messagesPerSecond }: Pace,
  planSeconds: number,
): number | undefined {
  if (messages === 0) return planSeconds;
  if (octetsPerSecond === undefined && messagesPerSecond === undefined) return undefined;
  const forOctets = octetsPerSecond === undefined ? 0 : octets / octetsPerSecond;
  const forMessages = messagesPerSecond === undefined ? 0 : messages / messagesPerSecond;
  return planSeconds + Math.max(forOctets, forMessages);
}
