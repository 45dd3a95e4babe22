/**
 * The door of `replicate`, the engine: it brings what one user, or a group of mailboxes, has on the replica to the master's
 * state. It knows the interfaces `MasterStore` and `ReplicaSession`, neither files nor sockets nor clocks, and says what it
 * does as events. Each entry below is one job: it takes the sync locks of its users, holds no other lock of Cyrus while it
 * awaits anything, and ends with the first failure after everything that does not depend on it was done. Other rooms import
 * this file alone.
 *
 * Besides the jobs it gives out decisions that they are made of, for `verify`: what differs is decided once.
 */
export {
  type CompareOptions,
  compareMailbox,
  countsConversations,
  type LocalMailbox,
  sameType,
} from './compare/compare-mailbox.ts';
export { sameGroups } from './compare/same-groups.ts';
export { isExpunged } from './compare/same-record.ts';
export { withUnreadAsThere } from './compare/with-unread-as-there.ts';
export type {
  BorrowedLink,
  EngineContext,
  EngineOptions,
  JobResult,
  MasterWriter,
  ReplicaLink,
  ScriptSession,
} from './connection/engine-context.ts';
export { MessagesThere } from './connection/messages-there.ts';
export { Partitions } from './connection/partitions.ts';
export { QuotaRootLock } from './connection/quota-root-lock.ts';
export { Stage } from './connection/stage.ts';
export { takesMailboxes } from './connection/takes-mailboxes.ts';
export { canBeOpened, takesType } from './folders/replicated.ts';
export { hasInbox } from './folders/require-inbox.ts';
export type { Action, ActionResult } from './jobs/action.ts';
export { forgetQuotaRoots } from './jobs/forget-quota-roots.ts';
export { type Fault, mendMailbox } from './jobs/mend-mailbox.ts';
export { runActions } from './jobs/run-actions.ts';
export { runMailboxes } from './jobs/run-mailboxes.ts';
export { runMeta } from './jobs/run-meta.ts';
export { runUser } from './jobs/run-user.ts';
export { userThere } from './jobs/user-there.ts';
export { withCountedChecksums } from './merge/with-counted-checksums.ts';
export { breaksLink, type SetAside } from './outcomes/set-aside.ts';
export { planQuotas } from './user-data/plan-quotas.ts';
export { planSeen } from './user-data/plan-seen.ts';
export { planSieve } from './user-data/plan-sieve.ts';
export { planSubscriptions } from './user-data/plan-subscriptions.ts';
export { listingSession } from './user-data/script-files.ts';
