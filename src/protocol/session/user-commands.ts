import type { ByteString } from '../../byte-string.ts';
import { encodeString } from '../dlist/encoders.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { OnUnusable, ReplicaSession, ReplicaUser } from '../replica-session.ts';
import { apply } from './apply.ts';
import { dispatch } from './dispatch.ts';
import { ifNonexistent } from './if-nonexistent.ts';
import { decodeUsableMailbox, type Told } from './mailbox-lines.ts';
import { decodeQuota } from './quota-commands.ts';
import { decodeSeen } from './seen-commands.ts';
import { decodeSieve } from './sieve-commands.ts';
import { decodeSubscriptions } from './subscription-commands.ts';

type UserCommands = Pick<ReplicaSession, 'getUser' | 'getMeta' | 'applyUnuser'>;

/** A user as a whole: all that the replica has by that name, and its removal (protocol 9, 10.14). */
export function userCommands(queue: CommandQueue, told: Told): UserCommands {
  return {
    getUser: (userid, onUnusable) => getUserData(queue, told, 'USER', userid, onUnusable),
    getMeta: (userid) => getUserData(queue, told, 'META', userid),

    // Always in its plain form, with -L too (protocol 10.17).
    applyUnuser: (userid) => apply(queue, 'UNUSER', () => encodeString(userid), ifNonexistent(undefined)),
  };
}

/** An unknown user is answered with OK and nothing, or with NONEXISTENT: no data either way. */
function getUserData(
  queue: CommandQueue,
  told: Told,
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
        const mailbox = decodeUsableMailbox(value, told, onUnusable);
        if (mailbox) user.mailboxes.push(mailbox);
      },
      QUOTA: (value) => user.quotas.push(decodeQuota(value)),
      SEEN: (value) => user.seen.push(decodeSeen(value)),
      LSUB: (value) => {
        for (const name of decodeSubscriptions(value)) user.subscriptions.push(name);
      },
      SIEVE: (value) => user.sieve.push(decodeSieve(value)),
    }),
    result: () => user,
    refused: ifNonexistent(user),
  });
}
