import type { ByteString } from '../../byte-string.ts';
import type { IndexRecord } from '../../store/master-store.ts';
import type { Stage } from './stage.ts';

/**
 * Milliseconds for which anybody waits: sending messages again costs no more than octets, and whoever waits keeps a user's
 * lock and a part of the stage, which others may be waiting for.
 */
const MOST_WAIT_MS = 2_000;

/** A step of a mailbox whose messages are being sent. */
interface Sender {
  user: ByteString;
  /** Resolves with the answer to the step, or when it has been given up. */
  ended: Promise<void>;
}

/** A user whose messages wait for those of another. */
interface Wait {
  from: ByteString;
  to: ByteString;
}

/** The messages of one step, as its connection should go about them. */
export interface Sending extends Disposable {
  /** To be sent now. */
  mine: IndexRecord[];
  /** Another connection is sending them. */
  others: IndexRecord[];
  /** Resolves when none of `others` is on its way any more, but for those of users who wait for this one; or after a while. */
  waitForOthers(): Promise<void>;
}

/**
 * Large messages that connections are sending, each of them noted for the step that began first, so that others may link it
 * from that mailbox rather than send it too. Nobody waits for a user who waits for them.
 */
export class MessagesOnTheirWay {
  readonly #leastOctets: number;
  /** By partition, then by GUID. */
  readonly #senders = new Map<ByteString, Map<string, Sender>>();
  readonly #waits = new Set<Wait>();

  /** @param leastOctets of a message that is worth it */
  constructor(leastOctets: number) {
    this.#leastOctets = leastOctets;
  }

  /**
   * @param stage of the connection
   * @param records of one mailbox of that user; those that nobody else is sending are noted until what is returned is disposed of
   */
  begin(user: ByteString, stage: Stage, partition: ByteString, records: readonly IndexRecord[]): Sending {
    const mine: IndexRecord[] = [];
    const others: IndexRecord[] = [];
    const senders = new Set<Sender>();
    const noted: string[] = [];
    const known = this.#sendersTo(partition);
    let end: () => void = () => undefined;
    const self: Sender = { user, ended: new Promise((resolve) => (end = resolve)) };
    for (const record of records) {
      const isSmall = record.size < this.#leastOctets;
      const sender = isSmall ? undefined : known.get(record.guid);
      if (sender && sender.user !== user && !stage.find(partition, record.guid)) {
        others.push(record);
        senders.add(sender);
        continue;
      }
      mine.push(record);
      if (isSmall || sender) continue;
      known.set(record.guid, self);
      noted.push(record.guid);
    }
    return {
      mine,
      others,
      waitForOthers: () => this.#wait(user, senders),
      [Symbol.dispose]: () => {
        for (const guid of noted.splice(0)) known.delete(guid);
        end();
      },
    };
  }

  #sendersTo(partition: ByteString): Map<string, Sender> {
    let senders = this.#senders.get(partition);
    if (!senders) {
      senders = new Map();
      this.#senders.set(partition, senders);
    }
    return senders;
  }

  async #wait(user: ByteString, senders: ReadonlySet<Sender>): Promise<void> {
    const behind = this.#waitingFor(user);
    const awaited = [...senders].filter((sender) => !behind.has(sender.user));
    if (awaited.length === 0) return;
    const waits = awaited.map((sender): Wait => ({ from: user, to: sender.user }));
    for (const wait of waits) this.#waits.add(wait);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, MOST_WAIT_MS);
    });
    await Promise.race([Promise.all(awaited.map(({ ended }) => ended)), late]);
    clearTimeout(timer);
    for (const wait of waits) this.#waits.delete(wait);
  }

  /** Users who wait for this one, or for somebody who does. */
  #waitingFor(user: ByteString): ReadonlySet<ByteString> {
    const behind = new Set([user]);
    for (const each of behind) {
      for (const { from, to } of this.#waits) if (to === each) behind.add(from);
    }
    return behind;
  }
}
