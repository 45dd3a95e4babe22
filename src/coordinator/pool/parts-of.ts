import type { UnitTask } from './messages.ts';

/** Counts what of a unit the replica is at work on separately: each mailbox, and each action that is not about mailboxes. */
export function partsOf({ actions }: Pick<UnitTask['unit'], 'actions'>): number {
  const parts = actions.reduce(
    (sum, action) => sum + (action.kind === 'mailboxes' ? action.names.length : 1),
    0,
  );
  return Math.max(1, parts);
}
