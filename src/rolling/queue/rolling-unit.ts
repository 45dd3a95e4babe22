import type { ByteString } from '../../byte-string.ts';
import type { Action, ActionResult, SetAside } from '../../replicate/engine.ts';
import type { ActionName } from '../../report/events.ts';
import { nameInText } from '../../report/name-in-text.ts';
import type { LogLine } from '../log/log-line.ts';

/** The owner's userid of an internal mailbox name or quota root; undefined for a shared one. */
export type OwnerOf = (name: ByteString) => ByteString | undefined;

/**
 * Actions that run in order, on one connection: everything of one user, of several users tied together, or of one shared
 * mailbox. Units without a common user may run at the same time.
 */
export interface RollingUnit {
  /** All owners, byte order; '' stands for shared mailboxes, whose sync lock is one for all. */
  users: ByteString[];
  actions: Action[];
  /** Mailboxes not to be sent this time. */
  setAside?: readonly SetAside[];
}

/** One result per action of the unit, same order. A missing one counts as untouched. */
export interface UnitOutcome {
  results: ActionResult[];
}

/**
 * The keys that tie actions together: one per user, per shared mailbox, and one for the server's annotations. Different from
 * `users`, where all shared mailboxes are ''.
 */
export function nodeOf(name: ByteString, ownerOf: OwnerOf): string {
  const owner = ownerOf(name);
  return owner === undefined ? sharedNode(name) : userNode(owner);
}

export function userNode(userid: ByteString): string {
  return `u${userid}`;
}

function sharedNode(name: ByteString): string {
  return `s${name}`;
}

/** The owner that a node is locked and counted under. */
export function userOfNode(node: string): ByteString {
  return node.startsWith('u') ? node.slice(1) : '';
}

/** For a person: the userid, or the name of the shared mailbox, which whoever words it spells. */
export function labelOfNode(node: string): ByteString {
  const name = node.slice(1);
  return node.startsWith('u') || name === '' ? name : nameInText(name);
}

export function nodesOfAction(action: Action, ownerOf: OwnerOf): string[] {
  switch (action.kind) {
    case 'mailboxes': {
      const nodes = [...new Set(action.names.map((name) => nodeOf(name, ownerOf)))];
      const users = nodes.filter((node) => node.startsWith('u'));
      // A shared mailbox that a user's line names rides along; it does not tie all who touch it together.
      return users.length > 0 ? users : nodes;
    }
    case 'quota':
      return [nodeOf(action.root, ownerOf)];
    case 'annotation':
      return [action.name === '' ? sharedNode('') : nodeOf(action.name, ownerOf)];
    case 'unmailbox':
      return [nodeOf(action.name, ownerOf)];
    default:
      return [userNode(action.userid)];
  }
}

export function nodesOfUnit(unit: RollingUnit, ownerOf: OwnerOf): Set<string> {
  return new Set(unit.actions.flatMap((action) => nodesOfAction(action, ownerOf)));
}

/** Lines that say the same to any reader of the log, ties included. */
export function linesOf(action: Action, ownerOf: OwnerOf): LogLine[] {
  switch (action.kind) {
    case 'mailboxes':
      return mailboxLines(action.names, ownerOf);
    case 'quota':
      return [{ type: 'QUOTA', root: action.root }];
    case 'annotation':
      return [{ type: 'ANNOTATION', name: action.name }];
    case 'seen':
      return [{ type: 'SEEN', userid: action.userid, uniqueid: action.uniqueid }];
    case 'sub':
      return [{ type: 'SUB', userid: action.userid, name: action.name }];
    case 'unmailbox':
      return [{ type: 'UNMAILBOX', name: action.name }];
    case 'meta':
      return [{ type: 'META', userid: action.userid }];
    case 'user':
      return [{ type: 'USER', userid: action.userid }];
    case 'unuser':
      return [{ type: 'UNUSER', userid: action.userid }];
  }
}

function mailboxLines(names: readonly ByteString[], ownerOf: OwnerOf): LogLine[] {
  const firstOfNode = new Map<string, ByteString>();
  for (const name of names) {
    const node = nodeOf(name, ownerOf);
    if (!firstOfNode.has(node)) firstOfNode.set(node, name);
  }
  // Users first: what DOUBLEMAILBOX names second goes with the owner of the first.
  const tied = [...firstOfNode].sort(([a], [b]) => Number(b.startsWith('u')) - Number(a.startsWith('u')));
  const [head, ...others] = tied.map(([, name]) => name);
  if (head === undefined || others.length === 0) return names.map((name) => ({ type: 'MAILBOX', name }));
  const told = new Set([head, ...others]);
  return [
    ...others.map((other): LogLine => ({ type: 'DOUBLEMAILBOX', from: head, to: other })),
    ...names.filter((name) => !told.has(name)).map((name): LogLine => ({ type: 'MAILBOX', name })),
  ];
}

/** The C client names an action like this in `Deferred:` and `Promoting:`. */
export function nameOfAction(action: Action): ActionName {
  switch (action.kind) {
    case 'mailboxes':
      return { type: 'MAILBOX', operands: action.names };
    case 'quota':
      return { type: 'QUOTA', operands: [action.root] };
    case 'annotation':
      return { type: 'ANNOTATION', operands: [action.name] };
    case 'seen':
      return { type: 'SEEN', operands: [action.userid, action.uniqueid] };
    case 'sub':
      return { type: 'SUB', operands: [action.userid, action.name] };
    case 'unmailbox':
      return { type: 'UNMAILBOX', operands: [action.name] };
    case 'meta':
      return { type: 'META', operands: [action.userid] };
    case 'user':
      return { type: 'USER', operands: [action.userid] };
    case 'unuser':
      return { type: 'UNUSER', operands: [action.userid] };
  }
}
