import type { ByteString } from '../../byte-string.ts';
import { MAILBOX_NAME, SUBSCRIPTION } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import { encodeString, encodeStrings } from '../dlist/encode.ts';
import type { DlistValue } from '../dlist/value.ts';
import { MAX_RECORDS_ANSWER_OCTETS } from '../limits.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type {
  OnUnusable,
  ReplicaMailbox,
  ReplicaQuota,
  ReplicaSession,
  ReplicaUser,
  WireRecord,
} from '../replica-session.ts';
import {
  decodeAnnotation,
  decodeMailbox,
  decodeQuota,
  decodeRecord,
  decodeSeen,
  decodeSieve,
} from './decode.ts';
import { optionalString, requireList, requireMap, stringItems, unasked, unusable } from './fields.ts';
import { dispatch } from './untagged.ts';

type ReadCommands = Pick<
  ReplicaSession,
  'getUser' | 'getMailboxes' | 'getUniqueids' | 'getMeta' | 'getQuota' | 'getAnnotation' | 'getFullMailbox'
>;

/** GET commands without bodies (protocol 9). */
export function readCommands(queue: CommandQueue): ReadCommands {
  return {
    getUser: (userid, onUnusable) => getUserData(queue, 'USER', userid, onUnusable),
    getMeta: (userid) => getUserData(queue, 'META', userid),

    getMailboxes: (names, onUnusable) => getList(queue, 'MAILBOXES', names, ({ name }) => name, onUnusable),
    getUniqueids: (uniqueids) => getList(queue, 'UNIQUEIDS', uniqueids, ({ uniqueid }) => uniqueid),

    getQuota(root) {
      let quota: ReplicaQuota | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'QUOTA',
        args: () => `QUOTA ${encodeString(root)}`,
        untagged: dispatch({
          QUOTA: (value) => {
            const found = decodeQuota(value);
            if (found.root !== root) throw unasked('the quota root', found.root);
            quota = found;
          },
        }),
        result: () => quota,
      });
    },

    getAnnotation(name) {
      const annotations: ReturnType<typeof decodeAnnotation>[] = [];
      return queue.submit({
        verb: 'GET',
        name: 'ANNOTATION',
        args: () => `ANNOTATION ${encodeString(name)}`,
        untagged: dispatch({
          ANNOTATION: (value) => {
            const of = optionalString(requireMap(value, 'ANNOTATION'), 'MBOXNAME', MAILBOX_NAME) ?? name;
            if (of !== name) throw unasked('an annotation of', of);
            annotations.push(decodeAnnotation(value));
          },
        }),
        result: () => annotations,
        refused: (error) => (error.code === 'IMAP_MAILBOX_NONEXISTENT' ? { result: [] } : undefined),
      });
    },

    getFullMailbox(name, onRecord) {
      const answer = new FullMailbox(name, onRecord);
      return queue.submit({
        verb: 'GET',
        name: 'FULLMAILBOX',
        mailbox: name,
        args: () => `FULLMAILBOX ${encodeString(name)}`,
        valueOptions: {
          streamKey: 'RECORD',
          onItem: (item) => answer.record(item),
          maxMemoryOctets: MAX_RECORDS_ANSWER_OCTETS,
        },
        untagged: dispatch({ MAILBOX: (value) => answer.mailbox(value) }),
        result: () => answer.result(),
      });
    },
  };
}

/** The answer to GET FULLMAILBOX: its records come first, each on its own, and the mailbox that they are of last. */
class FullMailbox {
  readonly #name: ByteString;
  readonly #onRecord: (record: WireRecord) => void;
  #lastUid = 0;
  #mailbox: ReplicaMailbox | undefined;
  #failure: SyncError | undefined;

  constructor(name: ByteString, onRecord: (record: WireRecord) => void) {
    this.#name = name;
    this.#onRecord = onRecord;
  }

  /** Called from within the parser, which must come to the end of the value whatever happens here. */
  record(item: DlistValue): void {
    if (this.#failure !== undefined) return;
    try {
      const record = decodeRecord(item);
      if (record.uid <= this.#lastUid) {
        throw unusable(`RECORDs in the order of their UIDs, after ${this.#lastUid}`, String(record.uid));
      }
      this.#lastUid = record.uid;
      this.#onRecord(record);
    } catch (caught) {
      this.#failure = SyncError.from(caught, { mailbox: this.#name });
    }
  }

  mailbox(value: DlistValue): void {
    if (this.#failure !== undefined) throw this.#failure;
    const mailbox = decodeMailbox(value);
    if (mailbox.name !== this.#name) throw unasked('the mailbox', mailbox.name);
    if (this.#mailbox !== undefined) throw unusable('one MAILBOX', 'another');
    if (mailbox.lastUid < this.#lastUid) {
      const what = `LAST_UID as a number from ${this.#lastUid}, the UID of the last RECORD`;
      throw unusable(what, String(mailbox.lastUid)).within({ mailbox: this.#name });
    }
    this.#mailbox = mailbox;
  }

  result(): ReplicaMailbox {
    if (this.#mailbox === undefined) throw unusable('MAILBOX', undefined);
    return this.#mailbox;
  }
}

/** An unknown user is answered with OK and nothing, or with NONEXISTENT: no data either way. */
function getUserData(
  queue: CommandQueue,
  command: 'USER' | 'META',
  userid: ByteString,
  onUnusable?: OnUnusable,
): Promise<ReplicaUser> {
  const user: ReplicaUser = { mailboxes: [], quotas: [], seen: [], subscriptions: [], sieve: [] };
  return queue.submit({
    verb: 'GET',
    name: command,
    args: () => `${command} ${encodeString(userid)}`,
    untagged: dispatch({
      MAILBOX: (value) => {
        const mailbox = usable(value, onUnusable);
        if (mailbox) user.mailboxes.push(mailbox);
      },
      QUOTA: (value) => user.quotas.push(decodeQuota(value)),
      SEEN: (value) => user.seen.push(decodeSeen(value)),
      LSUB: (value) => {
        for (const name of stringItems(requireList(value, 'LSUB'), 'LSUB', SUBSCRIPTION))
          user.subscriptions.push(name);
      },
      SIEVE: (value) => user.sieve.push(decodeSieve(value)),
    }),
    result: () => user,
    refused: (error) => (error.code === 'IMAP_MAILBOX_NONEXISTENT' ? { result: user } : undefined),
  });
}

function getList(
  queue: CommandQueue,
  name: 'MAILBOXES' | 'UNIQUEIDS',
  items: readonly ByteString[],
  askedAs: (mailbox: ReplicaMailbox) => ByteString,
  onUnusable?: OnUnusable,
): Promise<ReplicaMailbox[]> {
  const mailboxes: ReplicaMailbox[] = [];
  if (items.length === 0) return Promise.resolve(mailboxes);
  const asked = new Set(items);
  return queue.submit({
    verb: 'GET',
    name,
    args: () => `${name} ${encodeStrings([...asked])}`,
    untagged: dispatch({
      MAILBOX: (value) => {
        const mailbox = usable(value, onUnusable);
        if (mailbox === undefined) return;
        // Each at most once, which also bounds how many there can be.
        if (!asked.delete(askedAs(mailbox))) throw unasked('the mailbox', mailbox.name);
        mailboxes.push(mailbox);
      },
    }),
    result: () => mailboxes,
    refused: (error) => (error.code === 'IMAP_MAILBOX_NONEXISTENT' ? { result: [] } : undefined),
  });
}

/** The mailbox, or undefined if `onUnusable` was told of it. @throws SyncError without that, and where no name is to be had */
function usable(value: DlistValue, onUnusable: OnUnusable | undefined): ReplicaMailbox | undefined {
  try {
    return decodeMailbox(value);
  } catch (caught) {
    const error = SyncError.from(caught);
    if (onUnusable === undefined || error.mailbox === undefined) throw error;
    onUnusable(error.mailbox, error);
    return undefined;
  }
}
