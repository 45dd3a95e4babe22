import type { ByteString } from '../byte-string.ts';
import type { SpellMailbox } from './spell-mailbox.ts';

/** Around a name: no octets, so that nothing that a peer or a file says can hold them. */
const BEGIN = '\u{e000}';
const END = '\u{e001}';

const MARKED_NAME = new RegExp(`${BEGIN}([^${BEGIN}${END}]*)${END}`, 'g');
const MARKS = new RegExp(`[${BEGIN}${END}]`, 'g');

/**
 * An internal mailbox name as a part of a message, a hint or another text that is made where nobody knows how
 * administrators spell mailboxes here. Marked, it stays one through threads and through messages made of others, until
 * `spellNames` makes words of the text.
 */
export function nameInText(internal: ByteString): string {
  return `${BEGIN}${internal}${END}`;
}

/** A text for people, with each mailbox that it names as the administrator types it. */
export function spellNames(text: string, spell: SpellMailbox): ByteString {
  return withoutMarks(text.replaceAll(MARKED_NAME, (_, internal: ByteString) => spell(internal)));
}

/** A text with its names as Cyrus files them, where nobody has said how else they are spelled. */
export function withoutMarks(text: string): ByteString {
  return text.replaceAll(MARKS, '');
}
