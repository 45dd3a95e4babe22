import type { UserSettled } from '../events.ts';
import type { ReportEntry } from './report-entry.ts';
import { addEntry, type Countable, noTotals, type RunTotals } from './run-totals.ts';

/** Counts users by their last words. Of those who failed the numbers are kept, since each may be asked for again. */
export class LastWords {
  readonly totals: RunTotals = noTotals();
  readonly #failed = new Map<string, Countable>();

  add({ key, status, again }: UserSettled, entry: ReportEntry): void {
    const before = again ? this.#failed.get(key) : undefined;
    if (before && this.#failed.delete(key)) addEntry(this.totals, before, -1);
    addEntry(this.totals, entry);
    if (status === 'failed') this.#failed.set(key, numbersOf(entry));
  }
}

/** Without the lists, which may be long. */
function numbersOf(entry: ReportEntry): Countable {
  const { status, grade, mailboxesUpdated, messages, octets, attempts } = entry;
  const { lockWaits, damagedMessages, differences } = entry;
  return {
    status,
    grade,
    mailboxesUpdated,
    messages,
    octets,
    attempts,
    lockWaits,
    damagedMessages,
    differences,
  };
}
