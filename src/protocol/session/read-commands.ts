import type { ByteString } from '../../byte-string.ts';
import type { CommandQueue } from '../command-queue.ts';
import { encodeString, encodeStrings } from '../dlist/encode.ts';
import type { ReplicaMailbox, ReplicaQuota, ReplicaSession, ReplicaUser } from '../replica-session.ts';
import {
  decodeAnnotation,
  decodeMailbox,
  decodeQuota,
  decodeRecord,
  decodeSeen,
  decodeSieve,
} from './decode.ts';
import { requireList, stringItems, unusable } from './fields.ts';
import { dispatch } from './untagged.ts';

type ReadCommands = Pick<
  ReplicaSession,
  'getUser' | 'getMailboxes' | 'getUniqueids' | 'getMeta' | 'getQuota' | 'getAnnotation' | 'getFullMailbox'
>;

/** GET commands without bodies (protocol section 9). */
export function readCommands(queue: CommandQueue): ReadCommands {
  return {
    getUser: (userid) => getUserData(queue, 'USER', userid),
    getMeta: (userid) => getUserData(queue, 'META', userid),

    getMailboxes: (names) => getList(queue, 'MAILBOXES', names),
    getUniqueids: (uniqueids) => getList(queue, 'UNIQUEIDS', uniqueids),

    getQuota(root) {
      let quota: ReplicaQuota | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'QUOTA',
        args: () => `QUOTA ${encodeString(root)}`,
        untagged: dispatch({
          QUOTA: (value) => {
            quota = decodeQuota(value);
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
        untagged: dispatch({ ANNOTATION: (value) => annotations.push(decodeAnnotation(value)) }),
        result: () => annotations,
        refused: (error) => (error.code === 'IMAP_MAILBOX_NONEXISTENT' ? { result: [] } : undefined),
      });
    },

    getFullMailbox(name, onRecord) {
      let mailbox: ReplicaMailbox | undefined;
      let failure: { error: unknown } | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'FULLMAILBOX',
        args: () => `FULLMAILBOX ${encodeString(name)}`,
        valueOptions: {
          streamKey: 'RECORD',
          // Called from within the parser, which must come to the end of the value whatever happens here.
          onItem: (item) => {
            if (failure !== undefined) return;
            try {
              onRecord(decodeRecord(item));
            } catch (error) {
              failure = { error };
            }
          },
        },
        untagged: dispatch({
          MAILBOX: (value) => {
            if (failure !== undefined) throw failure.error;
            mailbox = decodeMailbox(value);
          },
        }),
        result: () => {
          if (mailbox === undefined) throw unusable('MAILBOX', undefined);
          return mailbox;
        },
      });
    },
  };
}

/** An unknown user is answered with OK and nothing, or with NONEXISTENT: no data either way. */
function getUserData(
  queue: CommandQueue,
  command: 'USER' | 'META',
  userid: ByteString,
): Promise<ReplicaUser> {
  const user: ReplicaUser = { mailboxes: [], quotas: [], seen: [], subscriptions: [], sieve: [] };
  return queue.submit({
    verb: 'GET',
    name: command,
    args: () => `${command} ${encodeString(userid)}`,
    untagged: dispatch({
      MAILBOX: (value) => user.mailboxes.push(decodeMailbox(value)),
      QUOTA: (value) => user.quotas.push(decodeQuota(value)),
      SEEN: (value) => user.seen.push(decodeSeen(value)),
      LSUB: (value) => {
        for (const name of stringItems(requireList(value, 'LSUB'), 'LSUB')) user.subscriptions.push(name);
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
): Promise<ReplicaMailbox[]> {
  const mailboxes: ReplicaMailbox[] = [];
  if (items.length === 0) return Promise.resolve(mailboxes);
  return queue.submit({
    verb: 'GET',
    name,
    args: () => `${name} ${encodeStrings(items)}`,
    untagged: dispatch({ MAILBOX: (value) => mailboxes.push(decodeMailbox(value)) }),
    result: () => mailboxes,
    refused: (error) => (error.code === 'IMAP_MAILBOX_NONEXISTENT' ? { result: [] } : undefined),
  });
}
