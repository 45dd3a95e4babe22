import type { ByteString } from '../../byte-string.ts';
import type { SteeringChange } from '../events.ts';

/** A change by whoever steers, for the log. */
export function steeredLine(change: SteeringChange): ByteString {
  switch (change.what) {
    case 'connections':
      return `steered: workers=<${change.limit}>`;
    case 'bwlimit':
      return `steered: bwlimit=<${change.octetsPerSecond ?? 'off'}>`;
    case 'pauses':
      return change.reasons.length === 0
        ? 'steered: resumed'
        : `steered: paused: ${change.reasons.join('; ')}`;
    case 'now':
    case 'skip':
    case 'unskip':
    case 'retry':
      return `steered: ${change.what} '${change.user}'`;
    case 'stop':
      return 'steered: stop';
  }
}
