import type { QueueRules } from './fleet-queue.ts';

/** The queue that only has a connection, which those of the fleet share. */
export const ROOT = 'root';

/** Losses that a place of a gate outlives: as many as a database can count. */
export const FOR_EVER = 2 ** 31 - 1;

/** The address of a queue as it may be shown: without user and password. */
export function shownAddress(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}

/** The rules of leases, in BullMQ's words. What is lost is noticed after a lease and two looks. */
export function lockOptions({ leaseMs }: QueueRules, losses: number) {
  return { lockDuration: leaseMs, stalledInterval: Math.ceil(leaseMs / 2), maxStalledCount: losses };
}
