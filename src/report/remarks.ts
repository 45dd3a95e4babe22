import type { ByteString } from '../byte-string.ts';
import type { SyncEvent } from './events.ts';
import type { SpellMailbox } from './spell-mailbox.ts';
import { unmatchedLine } from './unmatched-lines.ts';

/** Of more of one sort only the number is told. */
const EXAMPLES = 20;

/**
 * What an administrator has to know at the end of a run although nothing failed. It is gathered from events, in memory
 * that does not grow with the site.
 */
export class Remarks {
  readonly #spell: SpellMailbox;
  readonly #unmatched: ByteString[] = [];
  #unmatchedCount = 0;

  constructor(spell: SpellMailbox) {
    this.#spell = spell;
  }

  readonly hear = (event: SyncEvent): void => {
    if (event.kind !== 'run:unmatched') return;
    this.#unmatchedCount += 1;
    if (this.#unmatchedCount <= EXAMPLES) this.#unmatched.push(unmatchedLine(event, this.#spell));
  };

  lines(): ByteString[] {
    const more = this.#unmatchedCount - EXAMPLES;
    return [...this.#unmatched, ...(more > 0 ? [`... and ${more} more names that match nothing here`] : [])];
  }
}
