/**
 * The door of `sandbox/commands`. Here is what each command does, by verb and name. A command works with its context: tables,
 * the stage of its connection, a way to send; never with a socket. It changes all of what it says or, refused, nothing.
 */

import { applyMailbox } from './apply-mailbox.ts';
import type { Handler } from './command-context.ts';
import { applyExpunge, applyRename, applyUnmailbox, applyUnuser } from './folders.ts';
import { getFetch, getFetchSieve } from './get-fetch.ts';
import {
  getAnnotation,
  getFullMailbox,
  getMailboxes,
  getQuota,
  getUniqueids,
  getUser,
} from './get-mailboxes.ts';
import { getMeta } from './get-meta.ts';
import { applyMessage, applyReserve } from './messages.ts';
import { applyCapabilities, applyForce } from './session-commands.ts';
import { applyActivateSieve, applySieve, applyUnactivateSieve, applyUnsieve } from './sieve-commands.ts';
import {
  applyAnnotation,
  applyQuota,
  applySeen,
  applySub,
  applyUnannotation,
  applyUnquota,
  applyUnsub,
} from './user-data-commands.ts';

/** Verb and name, upper case, to what does it. The LOCAL_ forms only spare the real server its mupdate traffic. */
export const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['GET USER', getUser],
  ['GET MAILBOXES', getMailboxes],
  ['GET UNIQUEIDS', getUniqueids],
  ['GET FULLMAILBOX', getFullMailbox],
  ['GET META', getMeta],
  ['GET QUOTA', getQuota],
  ['GET ANNOTATION', getAnnotation],
  ['GET FETCH', getFetch],
  ['GET FETCH_SIEVE', getFetchSieve],
  ['APPLY RESERVE', applyReserve],
  ['APPLY MESSAGE', applyMessage],
  ['APPLY MAILBOX', applyMailbox],
  ['APPLY LOCAL_MAILBOX', applyMailbox],
  ['APPLY EXPUNGE', applyExpunge],
  ['APPLY RENAME', applyRename],
  ['APPLY LOCAL_RENAME', applyRename],
  ['APPLY UNMAILBOX', applyUnmailbox],
  ['APPLY LOCAL_UNMAILBOX', applyUnmailbox],
  ['APPLY SUB', applySub],
  ['APPLY UNSUB', applyUnsub],
  ['APPLY SEEN', applySeen],
  ['APPLY QUOTA', applyQuota],
  ['APPLY UNQUOTA', applyUnquota],
  ['APPLY ANNOTATION', applyAnnotation],
  ['APPLY UNANNOTATION', applyUnannotation],
  ['APPLY SIEVE', applySieve],
  ['APPLY UNSIEVE', applyUnsieve],
  ['APPLY ACTIVATE_SIEVE', applyActivateSieve],
  ['APPLY UNACTIVATE_SIEVE', applyUnactivateSieve],
  ['APPLY UNUSER', applyUnuser],
  ['APPLY LOCAL_UNUSER', applyUnuser],
  ['APPLY CAPABILITIES', applyCapabilities],
  ['APPLY FORCE', applyForce],
]);
