/** The `T` of mailboxes.db taken apart (store 3.3). */
export interface MailboxType {
  /** One letter: `e` mail, `n` news, `b` collection, `c` calendar, `a` addressbook, `s` `p` `j` JMAP, `f` sieve. */
  kind: string;
  deleted: boolean;
  moving: boolean;
  remote: boolean;
  reserved: boolean;
  intermediate: boolean;
  legacyDirs: boolean;
}

const KINDS = 'enbcajspf';

/**
 * Old rows have no `e`, and their letters in any order.
 *
 * @returns undefined if there is a letter that no version of Cyrus writes
 */
export function parseTypeLetters(letters: string): MailboxType | undefined {
  const type = plainMail();
  for (const letter of letters) {
    if (KINDS.includes(letter)) type.kind = letter;
    else if (letter === 'd') type.deleted = true;
    else if (letter === 'm') type.moving = true;
    else if (letter === 'r') type.remote = true;
    else if (letter === 'z') type.reserved = true;
    else if (letter === 'i') type.intermediate = true;
    else if (letter === 'l') type.legacyDirs = true;
    else return undefined;
  }
  return type;
}

/** The decimal type of Cyrus 2.x rows. */
export function parseTypeNumber(bits: number): MailboxType {
  return {
    ...plainMail(),
    remote: (bits & 1) !== 0,
    reserved: (bits & 2) !== 0,
    deleted: (bits & 4) !== 0,
    moving: (bits & 8) !== 0,
    kind: (bits & 16) !== 0 ? 'n' : 'e',
  };
}

/** MBOXTYPE of the wire: without the directory layout, '' for plain mail. */
export function wireType(type: MailboxType): string {
  const flags = [
    type.deleted ? 'd' : '',
    type.moving ? 'm' : '',
    type.remote ? 'r' : '',
    type.reserved ? 'z' : '',
    type.intermediate ? 'i' : '',
  ].join('');
  return type.kind === 'e' && flags === '' ? '' : type.kind + flags;
}

function plainMail(): MailboxType {
  return {
    kind: 'e',
    deleted: false,
    moving: false,
    remote: false,
    reserved: false,
    intermediate: false,
    legacyDirs: false,
  };
}
