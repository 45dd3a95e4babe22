import type { SyncEvent } from '../events.ts';
import { GRADES, type Grade } from '../grade.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import { whyNoMore } from '../words/why-no-more.ts';
import { LastWords } from './last-words.ts';
import { reportEntry } from './report-entry.ts';
import { noteRun, type RunTotals } from './run-totals.ts';
import { UserFacts } from './user-facts.ts';

const WORDS: Record<Grade, string> = {
  identical: 'identical',
  'metadata-differs': 'metadata differs',
  'damaged-at-source': 'damaged messages here, all others are there',
  differs: 'differ',
  changing: 'kept changing',
  failed: 'failed',
  'not-reached': 'not reached',
};

/** The end of a run as a table for people. */
export class Summary {
  readonly #facts = new UserFacts();
  readonly #words = new LastWords();
  readonly #spell: SpellMailbox;

  constructor(spell: SpellMailbox) {
    this.#spell = spell;
  }

  readonly hear = (event: SyncEvent): void => {
    this.#facts.hear(event);
    noteRun(this.#words.totals, event);
    if (event.kind === 'user:settled') {
      this.#words.add(event, reportEntry(event, this.#facts.take(event), this.#spell));
    }
  };

  lines(): string[] {
    return summaryLines(this.#words.totals);
  }
}

/** Nothing of a run that found nobody. */
export function summaryLines(totals: RunTotals): string[] {
  const { users, grades, messages, octets, seconds, lockWaits, damagedMessages } = totals;
  const all = Object.values(users).reduce((sum, count) => sum + count, 0);
  if (all === 0) return [];
  const rows: [number, string][] = [
    [all, totals.allFound ? 'users' : 'users, and others that were not found yet'],
    ...GRADES.filter((grade) => grades[grade] > 0).map((grade): [number, string] => [
      grades[grade],
      `  ${WORDS[grade]}`,
    ]),
    ...(users.absent > 0 ? [[users.absent, '  not here'] satisfies [number, string]] : []),
    [messages, `messages, ${megabytes(octets)} MB, in ${seconds.toFixed(1)} s`],
    ...connectionsRow(totals),
    ...(damagedMessages > 0 ? [[damagedMessages, 'damaged messages'] satisfies [number, string]] : []),
    ...(lockWaits > 0 ? [[lockWaits, 'waits for a lock'] satisfies [number, string]] : []),
  ];
  const width = Math.max(...rows.map(([count]) => String(count).length));
  return rows.map(([count, what]) => `${String(count).padStart(width)} ${what}`);
}

function connectionsRow({ connectionsUsed, connectionsWhy }: RunTotals): [number, string][] {
  if (!connectionsUsed || connectionsWhy === null) return [];
  const noun = connectionsUsed === 1 ? 'connection' : 'connections at a time';
  return [[connectionsUsed, `${noun}: ${whyNoMore(connectionsWhy)}`]];
}

function megabytes(octets: number): string {
  return (octets / 1e6).toFixed(1);
}
