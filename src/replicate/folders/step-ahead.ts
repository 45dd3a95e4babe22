import type { KnownMailbox } from '../compare/known-mailbox.ts';
import { type Claim, claimBudgetAndStage } from '../connection/claim.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Lanes } from '../connection/lanes.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { upload } from '../connection/upload.ts';
import { readStep, type StepOptions } from './read-step.ts';

/** Where a step is prepared. */
export interface Place {
  lane: EngineContext;
  claim: Claim;
}

/** Share of the messages of a step, from which on it pays to go where they are staged already. */
const MOSTLY = 0.5;

/**
 * Has the other connection take in the messages of a mailbox's next step while the one before is still being prepared. It
 * is no more than a guess: the step is read again when it is its turn, and finds on the stage what was staged here. So
 * what goes wrong here says nothing; the step will meet it.
 */
export class StepAhead implements Disposable {
  readonly #lanes: Lanes;
  readonly #lane: EngineContext;
  readonly #task: MailboxTask;
  readonly #options: StepOptions;
  #place: Place | undefined;
  #isWanted = true;

  /** @param lane of the step before */
  constructor(lanes: Lanes, lane: EngineContext, task: MailboxTask, options: StepOptions) {
    this.#lanes = lanes;
    this.#lane = lane;
    this.#task = task;
    this.#options = options;
  }

  /** @param remote as the step before leaves it, which this one builds on */
  begin(remote: KnownMailbox): void {
    this.#stage(remote).catch(() => undefined);
  }

  /** Ends it. @returns where the next step finds its messages; whoever takes the claim gives it back */
  take(): Place | undefined {
    const place = this.#place;
    this.#place = undefined;
    if (!place) this[Symbol.dispose]();
    return place;
  }

  [Symbol.dispose](): void {
    this.#isWanted = false;
    this.#place?.claim[Symbol.dispose]();
    this.#place = undefined;
  }

  async #stage(remote: KnownMailbox): Promise<void> {
    const lane = await this.#lanes.beside(this.#lane, () => this.#isWanted);
    if (!lane) return;
    const task = this.#task;
    const claim = await claimBudgetAndStage(lane, task);
    if (!this.#isWanted) {
      claim[Symbol.dispose]();
      return;
    }
    this.#place = { lane, claim };
    const reading = await lane.store.readMailbox(task.entry.name, (mailbox) =>
      readStep(mailbox, task.entry, remote, this.#options),
    );
    if (reading?.kind !== 'delta') return;
    const { uploads } = reading.delta;
    const staged = uploads.filter(({ guid }) => this.#lane.stage.find(task.partition, guid));
    if (staged.length > uploads.length * MOSTLY) {
      this[Symbol.dispose]();
      return;
    }
    const mayGoOn = (): void => {
      if (!this.#isWanted) throw new Error('nobody wants this step any more');
      task.checkNeeds();
    };
    await upload(lane, claim, reading.messages, task.partition, uploads, mayGoOn, () => false);
  }
}
