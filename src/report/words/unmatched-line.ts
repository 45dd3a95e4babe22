import type { ByteString } from '../../byte-string.ts';
import type { UnmatchedName } from '../events.ts';
import { type ProgramWords, REPLICATING } from '../program-words.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';

/** The line at the end of a run on a name that matched nothing, and on what was probably meant. */
export function unmatchedLine(
  unmatched: UnmatchedName,
  spell: SpellMailbox,
  { program, done }: ProgramWords = REPLICATING,
): ByteString {
  const { mode, name } = unmatched;
  if (unmatched.guess?.why === 'choice') {
    return `${program}: --include, --exclude and --shard leave nobody, so that nothing was ${done}`;
  }
  if (name === '') {
    return mode === 'all'
      ? `${program}: no user and no shared mailbox is here`
      : `${program}: no name was given, so that nothing was ${done}`;
  }
  const hint = hintOf(unmatched, spell);
  return `${shownName(unmatched, spell)}: ${finding(mode)}${hint === undefined ? '' : ` (${hint})`}`;
}

function shownName({ mode, name }: UnmatchedName, spell: SpellMailbox): ByteString {
  return mode === 'mailboxes' ? spell(name) : name;
}

function finding(mode: UnmatchedName['mode']): string {
  switch (mode) {
    case 'all':
      return 'no mailbox name here begins so';
    case 'mailboxes':
      return 'no such mailbox here';
    case 'users':
    case 'meta':
      return 'no such user here';
  }
}

function hintOf({ mode, guess }: UnmatchedName, spell: SpellMailbox): ByteString | undefined {
  switch (guess?.why) {
    case undefined:
      return mode === 'all' ? '-A takes the beginning of internal names: user.alice' : undefined;
    case 'pattern':
      return mode === 'all'
        ? 'a prefix is taken as it stands, * and % mean nothing in it'
        : 'names are taken as they stand, * and % mean nothing in them; see -A PREFIX';
    case 'choice':
      return undefined;
    case 'deleted':
      return 'it was deleted; -u with its owner deletes it on the replica';
    case 'no-inbox':
      return 'there are folders of this user, but no INBOX: run reconstruct or create it';
    case 'form':
      return `did you mean ${meant(mode, guess.name, spell)}?`;
    case 'case':
      return `did you mean ${meant(mode, guess.name, spell)}? Capitals count`;
    case 'similar':
      return `did you mean ${meant(mode, guess.name, spell)}?`;
  }
}

function meant(mode: UnmatchedName['mode'], name: ByteString, spell: SpellMailbox): ByteString {
  return mode === 'mailboxes' ? spell(name) : name;
}
