import type { ByteString } from '../../byte-string.ts';
import type { UnmatchedName } from '../../report/events.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import { isInbox, type NameRules, parseInternalName, useridOf } from '../../store/paths/mailbox-name.ts';
import { guessName, type NamesHere } from './guess-name.ts';
import { nearestNames } from './nearest-names.ts';
import type { RunMode } from './run-request.ts';

/** More would not be shown. */
const GUESSED = 20;
/** Names that are compared with: a second or two of work, which a very large site is not to wait for any longer. */
const MOST_COMPARED = 200_000;

/** Collects the names of a run that matched nothing, and finds out what was probably meant by them. */
export class UnmatchedNames {
  readonly #mode: RunMode;
  readonly #names = new Set<ByteString>();
  #isChoice = false;

  constructor(mode: RunMode) {
    this.#mode = mode;
    if (mode.kind !== 'all' && wantedOf(mode).length === 0) this.#names.add('');
  }

  /** Nobody is here by this name. Of `-A` it is a user who has lost the INBOX: nobody has named it. */
  absent(name: ByteString): void {
    if (this.#mode.kind !== 'all') this.#names.add(name);
  }

  /** @param isChoice only because of what was chosen among those who are here */
  nothingFound(isChoice: boolean): void {
    this.#isChoice = isChoice;
    if (isChoice) this.#names.add('');
    else if (this.#mode.kind === 'all') this.#names.add(this.#mode.prefix ?? '');
  }

  get count(): number {
    return this.#names.size;
  }

  /** @param openStore called only if there is something to guess */
  explain(rules: NameRules, openStore: () => MasterStore): UnmatchedName[] {
    const mode = this.#mode.kind;
    const names = [...this.#names];
    const guesses = new Map<ByteString, UnmatchedName['guess']>();
    const unclear = names.slice(0, GUESSED).filter((name) => name !== '');
    if (unclear.length > 0) {
      try {
        const store = openStore();
        try {
          for (const [name, guess] of guessAll(mode, unclear, rules, store)) guesses.set(name, guess);
        } finally {
          store.close();
        }
      } catch (caught) {
        // A guess is a courtesy: a store that cannot be read has been reported by those who needed it.
        if (!(caught instanceof SyncError)) throw caught;
      }
    }
    if (this.#isChoice) guesses.set('', { why: 'choice' });
    return names.map((name) => ({ mode, name, guess: guesses.get(name) }));
  }
}

function wantedOf(mode: Exclude<RunMode, { kind: 'all' }>): readonly ByteString[] {
  return mode.kind === 'mailboxes' ? mode.names : mode.userids;
}

function guessAll(
  mode: UnmatchedName['mode'],
  names: readonly ByteString[],
  rules: NameRules,
  store: MasterStore,
): Map<ByteString, UnmatchedName['guess']> {
  const here: NamesHere = {
    rules,
    fate: (name) => {
      const entry = store.lookup(name);
      if (!entry) return 'none';
      return entry.deleted ? 'deleted' : 'live';
    },
    begins: (prefix) => store.names(prefix).next().done === false,
  };
  const guesses = new Map(names.map((name) => [name, guessName(mode, name, here)]));
  const unclear = names.filter((name) => guesses.get(name) === undefined);
  if (unclear.length > 0 && mode !== 'all') {
    const candidates = mode === 'mailboxes' ? firstNames(store) : usersAmong(firstNames(store), rules);
    for (const [name, near] of nearestNames(unclear, candidates)) guesses.set(name, near);
  }
  return guesses;
}

function* firstNames(store: MasterStore): Generator<ByteString> {
  let count = 0;
  for (const name of store.names('')) {
    if (++count > MOST_COMPARED) return;
    yield name;
  }
}

function* usersAmong(names: Iterable<ByteString>, rules: NameRules): Generator<ByteString> {
  for (const name of names) {
    const parsed = parseInternalName(rules, name);
    const userid = isInbox(parsed) ? useridOf(parsed) : undefined;
    if (userid !== undefined) yield userid;
  }
}
