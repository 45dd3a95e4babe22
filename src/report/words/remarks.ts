import type { ByteString } from '../../byte-string.ts';
import type { SyncEvent } from '../events.ts';
import { type ProgramWords, REPLICATING } from '../program-words.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';
import type { ModeName } from './error-lines.ts';
import { unmatchedLine } from './unmatched-line.ts';

/** So many of one sort are named; of more only the number is told. */
const EXAMPLES = 20;
/** Names of one sort that are kept to tell new ones from those told before; a site with more has other worries. */
const MOST_KEPT = 100_000;

/**
 * Remarks that an administrator needs at the end of a run although nothing failed. They are gathered from events, in memory
 * that does not grow with the site.
 */
export class Remarks {
  readonly #spell: SpellMailbox;
  readonly #words: ProgramWords;
  readonly #unmatched: ByteString[] = [];
  #unmatchedCount = 0;
  #mode: ModeName = 'users';
  readonly #locked = new Names();
  readonly #withoutInbox = new Names();
  readonly #mergedBoth = new Names();
  readonly #mergedReplica = new Names();
  readonly #replicaOnly = new Names();
  readonly #uncounted = new Names();

  constructor(spell: SpellMailbox, words: ProgramWords = REPLICATING) {
    this.#spell = spell;
    this.#words = words;
  }

  readonly hear = (event: SyncEvent): void => {
    switch (event.kind) {
      case 'run:start':
        this.#mode = event.mode;
        break;
      case 'run:unmatched':
        this.#unmatchedCount += 1;
        if (this.#unmatchedCount <= EXAMPLES)
          this.#unmatched.push(unmatchedLine(event, this.#spell, this.#words));
        break;
      case 'name:absent':
        // `run:unmatched` tells who was named without being here; -A finds only those who have something.
        if (this.#mode === 'all') this.#withoutInbox.add(event.name);
        break;
      case 'user:locked':
        for (const name of event.mailboxes?.map(this.#spell) ?? [event.user]) this.#locked.add(name);
        break;
      case 'mailbox:merged':
        (event.changed === 'both' ? this.#mergedBoth : this.#mergedReplica).add(this.#spell(event.name));
        break;
      case 'mailbox:replica-only':
        // What was deleted goes from the replica by the replica's own cyr_expire.
        if (!event.inDeleted) this.#replicaOnly.add(this.#spell(event.name));
        break;
      case 'mailbox:conversations-uncounted':
        this.#uncounted.add(this.#spell(event.name));
        break;
      default:
        break;
    }
  };

  lines(): ByteString[] {
    const more = this.#unmatchedCount - EXAMPLES;
    return [
      ...this.#mergedBoth.line('changed on both sides and merged, here too'),
      ...this.#mergedReplica.line('changed on both sides and merged; only the replica had to be changed'),
      ...this.#replicaOnly.line(
        'only on the replica, and left there because nothing here says that they were deleted',
      ),
      ...this.#uncounted.line(
        'the same on both sides, but that the replica counts none of their conversations; if another run says so again, ' +
          'conversations are off there, or the conversations.db of the user is damaged there ' +
          '(remove that file and run ctl_conversationsdb -R USER there)',
      ),
      ...this.#locked.line('passed over, because another sync client is at work on them'),
      ...this.#withoutInbox.line('passed over, because they have folders here but no INBOX'),
      ...this.#unmatched,
      ...(more > 0 ? [`... and ${more} more names that match nothing here`] : []),
    ];
  }
}

/** Different names, the first of them as examples. */
class Names {
  readonly #names = new Set<ByteString>();
  #beyond = 0;

  add(name: ByteString): void {
    if (this.#names.size < MOST_KEPT) this.#names.add(name);
    else if (!this.#names.has(name)) this.#beyond += 1;
  }

  /** `2 changed on both sides: user/anna, user/bert`; nothing if there are none. */
  line(what: string): ByteString[] {
    const count = this.#names.size + this.#beyond;
    if (count === 0) return [];
    const examples = [...this.#names].slice(0, EXAMPLES);
    const more = count - examples.length;
    return [`${count} ${what}: ${examples.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
  }
}
