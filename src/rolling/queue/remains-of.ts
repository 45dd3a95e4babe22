import type { ByteString } from '../../byte-string.ts';
import type { Action, ActionResult } from '../../replicate/engine.ts';
import type { ErrorData } from '../../report/sync-error.ts';
import { nameOfAction, type OwnerOf, type RollingUnit, type UnitOutcome } from './rolling-unit.ts';

/** The rest that a unit leaves to do. An action that is done appears nowhere. */
export interface Remains {
  /** Wider actions in place of ones that failed: to run at once. */
  promoted: Action[];
  /** Nothing wider would help: to run again after a pause. */
  failing: { action: Action; error: ErrorData }[];
  locked: { action: Action; user: ByteString }[];
  /** Done, but for messages that are damaged here: trying again brings them no sooner. */
  damaged: { action: Action; error: ErrorData }[];
  /** To run again as if they had never been tried. */
  untouched: Action[];
  /** The connection broke while these were under way. They are in `untouched`. */
  broke: { action: Action; error: ErrorData }[];
  /** The link is down, whether it broke here or was found so. */
  linkError: ErrorData | undefined;
  /** This host had no descriptors for something, which is in `untouched`. */
  outOfFiles: ErrorData | undefined;
  /** Why something was not begun, whatever the reason. */
  untouchedError: ErrorData | undefined;
  /** The old action and the new one, for each of `promoted`. */
  promotions: { from: Action; to: Action }[];
}

/**
 * The promotion table (algorithm 9.5), mended: a failed QUOTA or ANNOTATION becomes a USER of the root's owner
 * (the C client crashes); what cannot be promoted stays and is tried again, and stops nobody else; no error is lost.
 */
export function remainsOf(unit: RollingUnit, outcome: UnitOutcome, ownerOf: OwnerOf): Remains {
  const remains: Remains = {
    promoted: [],
    failing: [],
    locked: [],
    damaged: [],
    untouched: [],
    broke: [],
    linkError: undefined,
    outOfFiles: undefined,
    untouchedError: undefined,
    promotions: [],
  };
  unit.actions.forEach((action, i) => {
    addRemains(remains, action, outcome.results[i], ownerOf);
  });
  return remains;
}

function addRemains(
  remains: Remains,
  action: Action,
  result: ActionResult | undefined,
  ownerOf: OwnerOf,
): void {
  if (result === undefined) {
    remains.untouched.push(action);
    const { type, operands } = nameOfAction(action);
    remains.untouchedError ??= {
      code: 'BUG',
      family: 'local',
      message: `no result for ${type} ${operands.join(' ')}`,
      retryable: true,
    };
    return;
  }
  switch (result.kind) {
    case 'done':
      return;
    case 'locked':
      remains.locked.push({ action, user: result.user });
      return;
    case 'untouched':
      remains.untouched.push(action);
      if (result.error.code === 'TOO_MANY_FILES') {
        remains.outOfFiles ??= result.error;
        return;
      }
      remains.untouchedError ??= result.error;
      if (result.error.family === 'link') remains.linkError ??= result.error;
      return;
    case 'failed': {
      const left = narrowed(action, result.names);
      if (result.error.code === 'TOO_MANY_FILES') {
        remains.outOfFiles ??= result.error;
        remains.untouched.push(left);
        return;
      }
      if (result.error.family === 'link') {
        remains.linkError ??= result.error;
        remains.untouched.push(left);
        remains.broke.push({ action: left, error: result.error });
        return;
      }
      if (result.error.leaves === 'damaged-at-source') {
        remains.damaged.push({ action: left, error: result.error });
        return;
      }
      for (const { from, to } of promotions(left, result.error, ownerOf)) {
        if (to) {
          remains.promoted.push(to);
          remains.promotions.push({ from, to });
        } else {
          remains.failing.push({ action: from, error: result.error });
        }
      }
    }
  }
}

function narrowed(action: Action, names: readonly ByteString[] | undefined): Action {
  if (action.kind !== 'mailboxes' || names === undefined || names.length === 0) return action;
  const left = new Set(names);
  const kept = action.names.filter((name) => left.has(name));
  return kept.length > 0 ? { kind: 'mailboxes', names: kept } : action;
}

interface Promotion {
  from: Action;
  to: Action | undefined;
}

/** A part of `action` may be promoted and the rest not: shared mailboxes have no user. */
function promotions(action: Action, error: ErrorData, ownerOf: OwnerOf): Promotion[] {
  switch (action.kind) {
    case 'mailboxes':
      return mailboxPromotions(action.names, ownerOf);
    case 'quota':
      return [{ from: action, to: wholeUser(ownerOf(action.root)) }];
    case 'annotation':
      return [{ from: action, to: widerThanAnnotation(action.name, ownerOf) }];
    case 'seen':
      if (ownerOf(action.uniqueid) === action.userid) return [{ from: action, to: wholeUser(action.userid) }];
      return [{ from: action, to: { kind: 'meta', userid: action.userid } }];
    case 'sub':
      return [{ from: action, to: { kind: 'meta', userid: action.userid } }];
    case 'meta':
      // The replica has no such user and says so: asking for more of the same user is no remedy.
      if (error.code === 'IMAP_INVALID_USER') return [{ from: action, to: undefined }];
      return [{ from: action, to: wholeUser(action.userid) }];
    case 'unmailbox':
    case 'user':
    case 'unuser':
      return [{ from: action, to: undefined }];
  }
}

function mailboxPromotions(names: readonly ByteString[], ownerOf: OwnerOf): Promotion[] {
  const result: Promotion[] = [];
  const shared: ByteString[] = [];
  for (const name of names) {
    const owner = ownerOf(name);
    if (owner === undefined) shared.push(name);
    else result.push({ from: { kind: 'mailboxes', names: [name] }, to: wholeUser(owner) });
  }
  if (shared.length > 0) result.push({ from: { kind: 'mailboxes', names: shared }, to: undefined });
  return result;
}

/** A shared mailbox is replicated with its annotations, and made if the replica lacks it; the server's have nothing wider. */
function widerThanAnnotation(name: ByteString, ownerOf: OwnerOf): Action | undefined {
  if (name === '') return undefined;
  return wholeUser(ownerOf(name)) ?? { kind: 'mailboxes', names: [name] };
}

function wholeUser(userid: ByteString | undefined): Action | undefined {
  return userid === undefined ? undefined : { kind: 'user', userid };
}
