import type { UserSettled } from '../events.ts';
import { printableJson } from '../printable-json.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { EntryError, ReportEntry } from './report-entry.ts';
import type { RunTotals } from './run-totals.ts';

/** Facts that are known before anything is done. */
export interface ReportHead {
  /** `sync_client`, `cyrus-sync verify` ... */
  program: string;
  programVersion: string;
  channel: string | null;
  /** ISO 8601. */
  started: string;
}

/** How it ended; undefined while it is under way. */
export interface ReportEnd {
  ended: string;
  /** Why before its work was done. */
  endedBy: EntryError | null;
  /** It knew of everybody who was to be replicated. */
  allFound: boolean;
}

/**
 * A report as three pieces of text: what stands before the users, one for each of them, and what stands behind them, which
 * is written over again and again. Put together they are a whole document at any moment.
 */
export interface ReportFormat {
  /** The name that people have for such a file. */
  noun: string;
  /** As many octets at the end as at the beginning. */
  head(head: ReportHead, end?: ReportEnd): Buffer;
  /** Stands between two users. */
  separator: string;
  /** @param settled what the entry was made of, with names as they are */
  entry(entry: ReportEntry, settled: UserSettled, spell: SpellMailbox): Buffer;
  tail(totals: RunTotals, end: ReportEnd | undefined): Buffer;
}

/** One that is text. */
interface TextFormat {
  separator: string;
  head(head: ReportHead): string;
  entry(entry: ReportEntry): string;
  tail(totals: RunTotals, end: ReportEnd | undefined): string;
}

function asText({ separator, head, entry, tail }: TextFormat): ReportFormat {
  return {
    noun: 'report',
    separator,
    head: (of) => Buffer.from(head(of), 'utf8'),
    entry: (one) => Buffer.from(entry(one), 'utf8'),
    tail: (totals, end) => Buffer.from(tail(totals, end), 'utf8'),
  };
}

export const SCHEMA = 'cyrus-sync-report';
/** Raised by what makes a reader wrong; new fields do not. */
export const SCHEMA_VERSION = 1;

export const jsonFormat = asText({
  separator: ',',
  head({ program, programVersion, channel, started }) {
    const head = printableJson({
      schema: SCHEMA,
      version: SCHEMA_VERSION,
      program,
      programVersion,
      channel,
      started,
    });
    return `${head.slice(0, -1)},"users":[`;
  },
  entry: (entry) => `\n${printableJson(entry)}`,
  tail(totals, end) {
    const state = { complete: end !== undefined, ended: end?.ended ?? null, endedBy: end?.endedBy ?? null };
    return `\n],\n"run":${printableJson({ ...state, ...totals })}}\n`;
  },
});

const COLUMNS = [
  ...['row', 'user', 'mailboxes', 'status', 'grade', 'compared', 'differences', 'mailboxes_updated'],
  ...['messages', 'octets', 'seconds', 'attempts', 'lock_waits', 'damaged_messages', 'damaged'],
  ...['error_code', 'error_phase', 'error_mailbox', 'error_message', 'error_hint'],
];

/** One row for each user; the last row is the run, and says by its status that the list is complete. */
export const csvFormat = asText({
  separator: '',
  head: () => row(COLUMNS),
  entry(entry) {
    const { error } = entry;
    return row([
      ...['user', entry.user ?? '', entry.mailboxes?.join(' ') ?? '', entry.status, entry.grade ?? ''],
      ...[entry.compared, entry.differences, entry.mailboxesUpdated, entry.messages, entry.octets],
      ...[entry.seconds, entry.attempts, entry.lockWaits, entry.damagedMessages],
      entry.damaged.map(({ mailbox, uid, cause }) => `${mailbox}:${uid}:${cause}`).join(' '),
      ...errorColumns(error),
    ]);
  },
  tail(totals, end) {
    const status = end === undefined ? 'incomplete' : 'complete';
    return row([
      ...['run', '', '', status, '', '', totals.differences, totals.mailboxesUpdated, totals.messages],
      ...[totals.octets, totals.seconds, totals.attempts, totals.lockWaits, totals.damagedMessages, ''],
      ...errorColumns(end?.endedBy ?? null),
    ]);
  },
});

function errorColumns(error: EntryError | null): (string | null)[] {
  if (error === null) return ['', '', '', '', ''];
  return [error.code, error.phase ?? null, error.mailbox, error.message, error.hint];
}

function row(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

/** RFC 4180. What a spreadsheet would take for a formula is kept from being one: names come from peers and users. */
function cell(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value);
  const safe = typeof value === 'string' && /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
