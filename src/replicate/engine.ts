/**
 * The door of `replicate`, the engine: it brings what one user, or a group of mailboxes, has on the replica to the master's
 * state. It knows the interfaces `MasterStore` and `ReplicaSession`, neither files nor sockets nor clocks, and says what it
 * does as events. Each entry below is one job: it takes the sync locks of its users, holds no other lock of Cyrus while it
 * awaits anything, and ends with the first failure after everything that does not depend on it was done. Other rooms import
 * this file alone.
 */
export type {
  BorrowedLink,
  EngineContext,
  EngineOptions,
  JobResult,
  MasterWriter,
  ReplicaLink,
  ScriptSession,
} from './connection/engine-context.ts';
export { Partitions } from './connection/partitions.ts';
export { Stage } from './connection/stage.ts';
export type { Action, ActionResult } from './jobs/action.ts';
export { runActions } from './jobs/run-actions.ts';
export { runMailboxes } from './jobs/run-mailboxes.ts';
export { runMeta } from './jobs/run-meta.ts';
export { runUser } from './jobs/run-user.ts';
export { breaksLink, type SetAside } from './outcomes/set-aside.ts';
