import { SyncError } from '../../../src/report/sync-error.ts';

/** Three conditions one behind the other; whoever passes all of them meets the planted fault. Chance does once in 2^24. */
export function plantedParser(octets: Buffer): void {
  if (octets[0] !== 0x91) throw refused();
  if (octets[1] !== 0x5e) throw refused();
  if (octets[2] !== 0xd7) throw refused();
  throw new TypeError('the planted fault');
}

function refused(): SyncError {
  return new SyncError('CONFIG', 'expected another octet');
}
