import type { ByteString } from '../../byte-string.ts';
import type { NewMessage } from '../compare/read-delta.ts';
import type { EngineContext } from './engine-context.ts';

/** Larger commands are split: the replica takes any number of GUIDs, but answers only when it has looked for all. */
export const GUIDS_PER_COMMAND = 8192;
/**
 * Below this, sending the messages is cheaper than a round trip and a search through the replica's folders, which a
 * server before 3.12 does record by record.
 */
const WORTH_ASKING_OCTETS = 64 * 1024;

/** New messages of one job, by partition on the replica. */
export class Reservation {
  readonly #wanted = new Map<ByteString, Set<string>>();
  #octets = 0;
  #count = 0;

  /** @returns false once there are enough: more is left to plain uploading, so that memory stays bounded. */
  add(partition: ByteString, message: NewMessage): boolean {
    let guids = this.#wanted.get(partition);
    if (!guids) {
      guids = new Set();
      this.#wanted.set(partition, guids);
    }
    if (!guids.has(message.guid)) {
      guids.add(message.guid);
      this.#octets += message.size;
      this.#count++;
    }
    return this.#count < GUIDS_PER_COMMAND;
  }

  get worthAsking(): boolean {
    return this.#octets >= WORTH_ASKING_OCTETS;
  }

  /** Has the replica link what it holds already into its stage, and notes it there. */
  async ask(context: EngineContext, folders: readonly ByteString[]): Promise<void> {
    using _hold = await context.stage.hold();
    const answers = [...this.#wanted].map(async ([partition, guids]) => {
      const missing = await context.session.applyReserve(partition, folders, [...guids]);
      context.stage.add(
        partition,
        [...guids].filter((guid) => !missing.has(guid)),
      );
    });
    for (const answer of await Promise.allSettled(answers)) {
      if (answer.status === 'rejected') throw answer.reason;
    }
  }
}
