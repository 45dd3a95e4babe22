import { setImmediate } from 'node:timers/promises';
import type { MasterStore, Refresh } from '../../store/master-store.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { StoreLayout } from '../../store/paths/store-layout.ts';
import { DISCOVERY_SLICE_MS, FIRST_DISCOVERY_SLICE_MS, LOCKED_LIST_PAUSE_MS } from '../limits.ts';
import type { Job } from '../pool/messages.ts';
import { type Choice, type Chosen, chosenBy } from './choice.ts';
import { jobsOnlyThere, needsStore } from './discover.ts';
import type { Flavour, RunParts } from './run-parts.ts';
import type { RunRequest } from './run-request.ts';
import { type Findings, NOTHING_FOUND, Search } from './search.ts';
import { UnmatchedNames } from './unmatched-names.ts';

/** The part of a run that the finding of jobs depends on while it goes on. */
export interface WhileFinding {
  /** The run still wants to know of more jobs. */
  mayGoOn(): boolean;
  isStopped(): boolean;
  /** Resolves when the run is over, though more could be found. */
  stopped: Promise<void>;
  /** More jobs may be there, or there are no more. */
  onFound(): void;
}

/**
 * Finds the jobs of a run: those of the store first, in slices beside the work on those found before, then those that the
 * replica alone has, and at last the names that were asked for and match nothing.
 */
export class JobFinding {
  readonly #request: RunRequest;
  readonly #parts: RunParts;
  readonly #add: (job: Job, size: number) => void;
  readonly #unmatched: UnmatchedNames;
  readonly #chosen: Chosen | undefined;
  #store: MasterStore | undefined;
  #search: Search | undefined;
  #found: Findings = NOTHING_FOUND;
  /** Users and mailboxes that the replica alone has are still to be looked for. */
  #mayFindMore = false;
  #isGivenUp = false;
  #resolveGivenUp: () => void = () => {};
  readonly #givenUp = new Promise<void>((resolve) => {
    this.#resolveGivenUp = resolve;
  });
  #tellFlavour: (flavour: Flavour | undefined) => void = () => {};
  readonly #flavour = new Promise<Flavour | undefined>((resolve) => {
    this.#tellFlavour = resolve;
  });

  /** @param add takes a job and the messages it is about */
  constructor(request: RunRequest, parts: RunParts, add: (job: Job, size: number) => void) {
    this.#request = request;
    this.#parts = parts;
    this.#add = add;
    this.#unmatched = new UnmatchedNames(request.mode);
    this.#chosen = request.choice && chosenOf(request.choice, request.setup.layout);
  }

  get found(): Findings {
    return this.#found;
  }

  /** A connection is open, and tells what the replica is. */
  tellFlavour(flavour: Flavour | undefined): void {
    this.#tellFlavour(flavour);
  }

  /** A name that was asked for turned out to be nowhere. */
  absent(name: string): void {
    this.#unmatched.absent(name);
  }

  /** Finds the first jobs. @throws SyncError where the store cannot be read */
  async begin(): Promise<void> {
    const { mode, setup } = this.#request;
    this.#store = needsStore(mode) || setup.from ? this.#parts.openStore() : undefined;
    // A master that cannot be asked is found out before anything is begun.
    await Promise.race([this.#store?.refresh(neededOf(mode)), this.#givenUp]);
    if (this.#isGivenUp) return;
    this.#search = new Search(mode, this.#store, this.#parts.clock, this.#add, this.#chosen);
    this.#mayFindMore = this.#store !== undefined && this.#parts.findOnlyThere !== undefined;
    this.#goOn(FIRST_DISCOVERY_SLICE_MS);
  }

  /** Finds the others, as long as the run wants to know of them. */
  async finish(run: WhileFinding): Promise<void> {
    while (!this.#search?.isComplete && run.mayGoOn()) {
      // Answers and events that are due get their turn.
      if (this.#found.busy) await this.#pause(LOCKED_LIST_PAUSE_MS);
      else await setImmediate();
      this.#goOn(DISCOVERY_SLICE_MS);
      run.onFound();
    }
    if (this.#search?.isComplete) await this.#findOnlyThere(run);
  }

  /** Waits for no answer of the master any more: nothing is found but what has been. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#resolveGivenUp();
  }

  close(): void {
    this.#store?.close();
    this.#store = undefined;
  }

  /** Tells of the names that match nothing. @returns how many they are */
  tellUnmatched(): number {
    const { complete, users, error } = this.#found;
    if (complete && users === 0 && !error) this.#unmatched.nothingFound(this.#request.choice !== undefined);
    const { emit, openStore } = this.#parts;
    for (const name of this.#unmatched.explain(this.#request.setup.layout, openStore)) {
      emit({ kind: 'run:unmatched', ...name });
    }
    return this.#unmatched.count;
  }

  #goOn(sliceMs: number): void {
    const found = this.#search?.goOn(sliceMs) ?? NOTHING_FOUND;
    this.#found = { ...found, complete: found.complete && !this.#mayFindMore };
    const { users, messages, complete } = this.#found;
    this.#parts.emit({ kind: 'run:discovered', users, messages, complete });
  }

  async #findOnlyThere(run: WhileFinding): Promise<void> {
    const { findOnlyThere, emit } = this.#parts;
    const store = this.#store;
    if (!this.#mayFindMore || !store || !findOnlyThere || run.isStopped()) return;
    // Nobody has anything to do for whom a connection would be made.
    if (this.#found.users === 0) this.#tellFlavour(undefined);
    // A run that is stopped does not wait for the replica's list.
    const only = await Promise.race([findOnlyThere(store, emit, this.#flavour), run.stopped]);
    if (run.isStopped()) return;
    this.#mayFindMore = false;
    const jobs = only ? jobsOnlyThere(only, this.#request.mode, store, this.#chosen) : [];
    for (const job of jobs) this.#search?.take(job);
    this.#goOn(0);
    run.onFound();
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(milliseconds, resolve));
  }
}

/** The names that the search for jobs asks the store about. */
function neededOf(mode: RunRequest['mode']): Refresh {
  switch (mode.kind) {
    case 'all':
      return { everybody: true };
    case 'mailboxes':
      return { names: mode.names };
    case 'users':
    case 'meta':
      return {};
  }
}

function chosenOf(choice: Choice, layout: StoreLayout): Chosen {
  const chosen = chosenBy(choice);
  return { ...chosen, shared: (name) => chosen.shared(externalName(layout, name)) };
}
