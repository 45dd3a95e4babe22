import type { ByteString } from '../byte-string.ts';
import { spellNames } from './name-in-text.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import type { ErrorData } from './sync-error.ts';

/** Before the configuration has been read nobody knows how mailboxes are spelled here, and no failure is about one. */
export const asItIs: SpellMailbox = (internal) => internal;

/**
 * Why something failed, for people, in one line: `user/anna/Sent: what is wrong; also user/anna/Old`. Mailboxes are
 * named as the administrator types them, since that is what reconstruct and its kin want to be told.
 */
export function reasonOf({ message, mailbox, alsoMailboxes }: ErrorData, spell: SpellMailbox): ByteString {
  const line = spellNames(message.replaceAll(/[\r\n]+/g, ' '), spell);
  const about = mailbox === undefined || mailbox === '' ? '' : `${spell(mailbox)}: `;
  const also = alsoMailboxes?.length ? `; also ${alsoMailboxes.map(spell).join(', ')}` : '';
  return `${about}${line}${also}`;
}

/** With what the operator can do about it. */
export function reasonWithHint(error: ErrorData, spell: SpellMailbox): ByteString {
  const { hint } = error;
  return hint === undefined
    ? reasonOf(error, spell)
    : `${reasonOf(error, spell)} (${spellNames(hint, spell)})`;
}

/** With its code in front, for the log. */
export function codedReason(error: ErrorData, spell: SpellMailbox): ByteString {
  return `${error.code}: ${reasonOf(error, spell)}`;
}
