import type { Arguments } from '../arguments/arguments.ts';

/** The name of a fleet that was given none. */
export const DEFAULT_FLEET = 'fleet';

/** Where a queue is that was given no address. */
export const DEFAULT_QUEUE = '/var/lib/cyrus-sync/fleet';

/** One step of a fleet, as the command line has it. */
export interface FleetStep {
  step: string;
  name: string;
  /** Says what the name is of, where it may be of both. */
  kind: 'user' | 'wave' | undefined;
  queue: string | undefined;
  fleet: string | undefined;
  masters: readonly string[] | undefined;
  agentName: string | undefined;
  leaseMs: number;
  untilDone: boolean;
  json: boolean;
  watch: boolean;
  args: Arguments;
}
