import type { ByteString } from '../../byte-string.ts';
import { type Difference, spellDifference } from '../difference.ts';
import type { UserSettled } from '../events.ts';
import { type Grade, gradeOf } from '../grade.ts';
import { spellNames } from '../name-in-text.ts';
import { printable, printableBytes } from '../printable.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { ErrorData, MessageDamage } from '../sync-error.ts';
import type { Facts } from './user-facts.ts';

/** One user in a report, version 1 of the schema (docs/report.md). Names are text. */
export interface ReportEntry {
  /** null: mailboxes that are not all of one user. */
  user: string | null;
  /** null: the whole user. */
  mailboxes: string[] | null;
  status: UserSettled['status'];
  grade: Grade | null;
  /** Both sides were compared after the work was done. */
  compared: boolean;
  differences: number;
  mailboxesUpdated: number;
  messages: number;
  octets: number;
  seconds: number;
  attempts: number;
  lockWaits: number;
  error: EntryError | null;
  damagedMessages: number;
  /** The first of them. */
  damaged: EntryDamage[];
  /** The first differences that a comparison found. */
  found: EntryDifference[];
}

export interface EntryError {
  code: ErrorData['code'];
  family: ErrorData['family'];
  phase: ErrorData['phase'] | null;
  mailbox: string | null;
  alsoMailboxes: string[];
  message: string;
  hint: string | null;
  retryable: boolean;
}

export interface EntryDamage extends Omit<MessageDamage, 'path'> {
  mailbox: string;
  path: string;
}

/** null: it does not apply, or that side has none. */
export interface EntryDifference {
  kind: Difference['kind'];
  mailbox: string | null;
  uid: number | null;
  what: string | null;
  master: string | number | null;
  replica: string | number | null;
}

/** @param facts told of the user before */
export function reportEntry(settled: UserSettled, facts: Facts, spell: SpellMailbox): ReportEntry {
  const { user, mailboxes, status, error, effort } = settled;
  const named = (internal: ByteString): string => printableBytes(spell(internal));
  const { graded } = facts;
  return {
    user: user === '' ? null : printableBytes(user),
    mailboxes: mailboxes?.map(named) ?? null,
    status,
    grade: (status === 'replicated' ? graded?.grade : undefined) ?? gradeOf(status, error) ?? null,
    compared: graded !== undefined,
    differences: graded?.differences ?? 0,
    mailboxesUpdated: effort.mailboxes,
    messages: effort.messages,
    octets: effort.octets,
    seconds: Math.round(effort.elapsedMs) / 1_000,
    attempts: effort.attempts,
    lockWaits: effort.lockWaits,
    error: error === undefined ? null : entryError(error, spell),
    damagedMessages: facts.damagedCount,
    damaged: facts.damaged.map(({ name, damage: { uid, guid, path, cause } }) => ({
      ...{ mailbox: named(name), uid, guid, path: printable(spellNames(path, spell)), cause },
    })),
    found: facts.found.map((found) => entryDifference(spellDifference(found, spell))),
  };
}

function entryDifference({ kind, mailbox, uid, what, master, replica }: Difference): EntryDifference {
  return {
    kind,
    mailbox: mailbox === undefined ? null : printableBytes(mailbox),
    uid: uid ?? null,
    what: what === undefined ? null : printableBytes(what),
    master: entryValue(master),
    replica: entryValue(replica),
  };
}

function entryValue(value: Difference['master']): string | number | null {
  return typeof value === 'string' ? printableBytes(value) : (value ?? null);
}

export function entryError(error: ErrorData, spell: SpellMailbox): EntryError {
  const named = (internal: ByteString): string => printableBytes(spell(internal));
  const { code, family, phase, mailbox, alsoMailboxes, message, hint, retryable } = error;
  return {
    code,
    family,
    phase: phase ?? null,
    mailbox: mailbox === undefined || mailbox === '' ? null : named(mailbox),
    alsoMailboxes: alsoMailboxes?.map(named) ?? [],
    message: printableBytes(spellNames(message, spell)),
    hint: hint === undefined ? null : printableBytes(spellNames(hint, spell)),
    retryable,
  };
}
