import { type ByteString, bytesFromText, textFromBytes, withoutBlanksAround } from '../../byte-string.ts';
import type { UserSettled } from '../events.ts';
import { isPrintable, printableBytes } from '../printable.ts';
import { reasonWithHint } from '../reasons.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { ReportFormat } from './report-format.ts';

/** The option that takes the list again. */
export type ListOption = '-u' | '-m' | '-s';

const UNDER_WAY = '# INCOMPLETE: the run that writes this list is still under way, or was killed';
const NOT_ALL_FOUND = '# INCOMPLETE: the run ended before it knew of everybody; run it again instead';
const COMPLETE = '# Complete: whoever is not listed below was replicated, or is not here';
/** Octets. The first line is written over in place, so each of its texts is as long as the longest. */
const FIRST_LINE = Math.max(UNDER_WAY.length, NOT_ALL_FOUND.length, COMPLETE.length);

/**
 * The report as a list of those who were not replicated (`--failures`), which the option that named them takes again: octets
 * as they are, one name a line. Its first line calls it complete only at the end.
 */
export function failureList(option: ListOption): ReportFormat {
  return {
    noun: 'list',
    separator: '',
    head(_head, end) {
      const state = end === undefined ? UNDER_WAY : end.allFound ? COMPLETE : NOT_ALL_FOUND;
      return Buffer.from(
        `${state.padEnd(FIRST_LINE)}\n# Try again with: sync_client ${option} -f THIS-FILE\n`,
      );
    },
    entry(_entry, settled, spell) {
      const comment = commentOn(settled, spell);
      const lines = comment === undefined ? '' : comment + namesOf(settled, option, spell);
      return Buffer.from(lines, 'latin1');
    },
    tail(_totals, end) {
      const why = end?.endedBy ? `# The run ended before its work was done: ${end.endedBy.message}\n` : '';
      return Buffer.from(why, 'utf8');
    },
  };
}

/** @returns undefined for those who are not listed */
function commentOn({ status, error }: UserSettled, spell: SpellMailbox): ByteString | undefined {
  switch (status) {
    case 'failed':
      return error === undefined ? '' : `# ${octetsOf(reasonWithHint(error, spell))}\n`;
    case 'locked':
      return '# Passed over: its lock was held by another sync client\n';
    case 'not-reached':
      return '# Not reached\n';
    default:
      return undefined;
  }
}

/** Lines that the option takes, or comments if it has no place for them. */
function namesOf({ user, mailboxes }: UserSettled, option: ListOption, spell: SpellMailbox): ByteString {
  if (mailboxes === undefined) return user === '' ? '' : listLine(user);
  const names = mailboxes.map(spell);
  const lines = option === '-m' ? names.map(listLine) : names.map((name) => `# mailbox ${octetsOf(name)}\n`);
  return lines.join('');
}

/** One that a list would not give back as it is, or that would make two lines of one, stays a comment. */
function listLine(name: ByteString): ByteString {
  const isGivenBack = withoutBlanksAround(name) === name && !name.startsWith('#');
  return !isGivenBack || !isPrintable(textFromBytes(name))
    ? `# no list can hold this name: ${octetsOf(name)}\n`
    : `${name}\n`;
}

/** Printable, as the octets that the list is made of. */
function octetsOf(bytes: ByteString): ByteString {
  return bytesFromText(printableBytes(bytes));
}
