import { createHash } from 'node:crypto';
import type { ReplicaSession } from '../protocol/replica-session.ts';
import type { EngineContext } from '../replicate/engine.ts';
import type { Difference } from '../report/difference.ts';
import { SyncError } from '../report/sync-error.ts';
import type { LockedMailbox } from '../store/master-store.ts';
import type { Pair } from './pair.ts';

/** Messages asked for in one command: the replica answers when it has read all of their files. */
const MESSAGES_AT_ONCE = 1_024;

interface Message {
  uid: number;
  guid: string;
}

/**
 * Finds out whether the replica still holds the file of each message, with the content that its GUID says.
 *
 * It is asked to reserve them: for that its server links each file into its stage, reads it and computes its GUID anew
 * (protocol 10.1), and what it finds wrong it says it has not got. The stage is dropped at once, over a session on which
 * nothing else relies on it. A message that stands in the mailbox more than once is reserved by the first of its files, so
 * that the others are fetched; and so is what is missing, to tell how.
 */
export async function lookAtFiles(context: EngineContext, pair: Pair): Promise<Difference[]> {
  const { entry, remote } = pair;
  const differences: Difference[] = [];
  // Only a session that replicates it may open a mailbox of scripts, of which there are few.
  const canReserve = !entry.type.includes('f') && remote.partition !== undefined;
  const known = new Set<string>();
  for (let from = 1; ; ) {
    const messages = await context.store.readMailbox(entry.name, (mailbox) => liveMessages(mailbox, from));
    const last = messages?.at(-1);
    if (!messages || !last) return differences;
    const firsts = messages.filter(({ guid }) => !known.has(guid) && known.add(guid));
    const missing = canReserve ? await notHeld(context, pair, firsts) : undefined;
    const reserved = new Set(missing ? firsts : []);
    for (const message of messages) {
      if (reserved.has(message) && !missing?.has(message.guid)) continue;
      const found = await guidThere(context.session, pair, message);
      const { uid, guid } = message;
      if (found === guid) continue;
      const user = entry.userid ?? '';
      differences.push({ kind: 'file', user, mailbox: entry.name, uid, master: guid, replica: found });
    }
    from = last.uid + 1;
  }
}

function liveMessages(mailbox: LockedMailbox, from: number): Message[] {
  const messages: Message[] = [];
  for (const page of mailbox.pages(from)) {
    for (let i = 0; i < page.count; i++) {
      if (page.expunged(i) || page.guidIsNull(i)) continue;
      messages.push({ uid: page.uid(i), guid: page.guid(i) });
      if (messages.length === MESSAGES_AT_ONCE) return messages;
    }
  }
  return messages;
}

/** One command goes out behind the other before anybody else's can. */
async function notHeld(
  { scripts }: EngineContext,
  { remote }: Pair,
  messages: readonly Message[],
): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const session = await scripts.connect();
  const guids = messages.map(({ guid }) => guid);
  const [missing] = await Promise.all([
    session.applyReserve(remote.partition ?? '', [remote.name], guids),
    session.restart(),
  ]);
  return missing;
}

/** @returns undefined if the replica cannot give it: Cyrus refuses a file that is not as long as its record says */
async function guidThere(
  session: ReplicaSession,
  { entry, remote }: Pair,
  { uid, guid }: Message,
): Promise<string | undefined> {
  try {
    const content = await session.fetchMessage({
      mailbox: remote.name,
      partition: remote.partition ?? entry.partition ?? '',
      uniqueid: remote.uniqueid,
      guid,
      uid,
    });
    return createHash('sha1').update(content).digest('hex');
  } catch (caught) {
    const error = SyncError.from(caught);
    if (error.family !== 'refused') throw error;
    return undefined;
  }
}
