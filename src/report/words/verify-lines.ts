import type { ByteString } from '../../byte-string.ts';
import { differenceLine } from '../difference.ts';
import type { Listing, SyncEvent, Verdict } from '../events.ts';
import type { SettledStatus } from '../grade.ts';
import { reasonWithHint } from '../reasons.ts';
import type { SpellMailbox } from '../spell-mailbox.ts';

/** Users who never held still are named up to this number, and counted beyond it. */
const EXAMPLES = 20;

const UNTOLD: readonly SettledStatus[] = ['failed', 'locked', 'not-reached'];

/** One job's part of the sums. */
interface Counted {
  verdict: Verdict | undefined;
  mailboxes: number;
  differences: number;
}

function nothingCounted(): Counted {
  return { verdict: undefined, mailboxes: 0, differences: 0 };
}

/** The findings of a comparison, for people: a line for each difference as it comes, and what became of all at the end. */
export class VerifyLines {
  readonly #spell: SpellMailbox;
  readonly #users: Record<Verdict, number> = { proven: 0, different: 0, changing: 0, repaired: 0 };
  /** Nobody knows of them: they failed, or were not reached. */
  #untold = 0;
  /** Counted since the latest last word: of the job whose last word comes next, as nothing is told in between. */
  #latest = nothingCounted();
  /** Counted of users who failed, by the keys of their jobs, as each may be asked for again. */
  readonly #failed = new Map<string, Counted>();
  #mailboxes = 0;
  #everybody = false;
  #listing: Listing | undefined;
  #differences = 0;
  readonly #changing: ByteString[] = [];

  constructor(spell: SpellMailbox) {
    this.#spell = spell;
  }

  /** Users, the shared mailboxes of one job counting as one, by what they were found to be. */
  get users(): Readonly<Record<Verdict, number>> {
    return this.#users;
  }

  hear(event: SyncEvent): ByteString | undefined {
    if (event.kind === 'run:start') this.#everybody = event.mode === 'all';
    if (event.kind === 'verify:listed') this.#listing = event;
    if (event.kind === 'verify:difference') {
      this.#differences += 1;
      this.#latest.differences += 1;
      return differenceLine(event.difference, this.#spell);
    }
    if (event.kind === 'verify:unmended') return unmendedLine(event, this.#spell);
    if (event.kind === 'verify:verdict') {
      this.#users[event.verdict] += 1;
      this.#mailboxes += event.mailboxes;
      this.#latest.verdict = event.verdict;
      this.#latest.mailboxes += event.mailboxes;
      if (event.verdict === 'changing' && this.#changing.length < EXAMPLES) {
        this.#changing.push(event.user === '' ? 'shared mailboxes' : event.user);
      }
    }
    if (event.kind === 'user:settled') {
      if (event.again) this.#takeBack(event.key);
      const counted = this.#latest;
      this.#latest = nothingCounted();
      if (counted.verdict === undefined && UNTOLD.includes(event.status)) this.#untold += 1;
      if (event.status === 'failed') this.#failed.set(event.key, counted);
    }
    return undefined;
  }

  #takeBack(key: string): void {
    const counted = this.#failed.get(key);
    if (!counted) return;
    this.#failed.delete(key);
    const { verdict, mailboxes, differences } = counted;
    if (verdict === undefined) this.#untold -= 1;
    else this.#users[verdict] -= 1;
    this.#mailboxes -= mailboxes;
    this.#differences -= differences;
  }

  /** Nothing if nothing was compared. */
  closing(): ByteString[] {
    const { proven, different, changing, repaired } = this.#users;
    const told = proven + different + changing + repaired;
    if (told === 0) return [];
    const parts = [
      `${proven} of ${told + this.#untold} users proven the same on both sides (${this.#mailboxes} mailboxes)`,
      ...(different > 0 ? [`${different} differ`] : []),
      ...(repaired > 0 ? [`${repaired} differed and are repaired`] : []),
      ...(this.#differences > 0 ? [`${this.#differences} differences`] : []),
      ...(changing > 0 ? [`${changing} never held still`] : []),
      ...(this.#untold > 0 ? [`${this.#untold} not compared`] : []),
    ];
    const more = changing - this.#changing.length;
    const names = `${this.#changing.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    return [
      ...(this.#everybody ? notLookedFor(this.#listing, this.#spell) : []),
      parts.join(', '),
      ...(changing > 0 ? [`changing all the time, or still in the sync log: ${names}`] : []),
    ];
  }
}

/** `user/anna/Sent: not repaired: the replica has ... (save it, or ...)`. */
export function unmendedLine(
  { name, error }: Extract<SyncEvent, { kind: 'verify:unmended' }>,
  spell: SpellMailbox,
): ByteString {
  // The mailbox stands before it.
  return `${spell(name)}: not repaired: ${reasonWithHint({ ...error, mailbox: undefined }, spell)}`;
}

function notLookedFor(listing: Listing | undefined, spell: SpellMailbox): ByteString[] {
  const what = 'users whom only the replica has were not looked for';
  switch (listing?.listing) {
    case 'asked':
      return [];
    case 'not-imap':
      return [
        `${what}: ${listing.server} does not speak IMAP (replica_imap in the settings names a server that does)`,
      ];
    case 'failed':
      return [`${what}: ${reasonWithHint(listing.error, spell)}`];
    case undefined:
      return [what];
  }
}
