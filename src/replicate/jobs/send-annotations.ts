import { type ByteString, compareBytes } from '../../byte-string.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Annotation } from '../../store/master-store.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import { allSettledOrThrow } from '../outcomes/all-settled-or-throw.ts';
import { expected } from '../outcomes/expected.ts';

/**
 * Sends the annotations of one mailbox, or of the server where the name is empty: both lists are merged by entry and user
 * (algorithm 8.5).
 *
 * Those of the server are left out, and that is told, where the replica has no place for them.
 *
 * @throws SyncError IMAP_MAILBOX_NONEXISTENT, IMAP_MAILBOX_MOVED: the mailbox itself has to be replicated first
 */
export async function sendAnnotations(context: EngineContext, name: ByteString): Promise<void> {
  const { session, emit } = context;
  const mailbox = await annotationsOf(context, name);
  if (mailbox === undefined) return;
  if (name !== '') await requireMailbox(context, name, mailbox.uniqueid);
  const theirs = await session.getAnnotation(name);
  const key = (one: { entry: ByteString; userid: ByteString }): string => `${one.entry}\0${one.userid}`;
  const here = new Map(mailbox.annotations.map((one) => [key(one), one]));
  const there = new Map(theirs.map((one) => [key(one), one]));
  const commands: Promise<void>[] = [];
  for (const [at, one] of [...here].sort(([a], [b]) => compareBytes(a, b))) {
    if (there.get(at)?.value === one.value) continue;
    await session.window();
    emit({ kind: 'command:annotation', name, entry: one.entry, user: one.userid });
    commands.push(expected(session.applyAnnotation(name, one)));
  }
  for (const [at, one] of there) {
    if (here.has(at)) continue;
    await session.window();
    emit({ kind: 'command:unannotation', name, entry: one.entry, user: one.userid });
    commands.push(expected(session.applyUnannotation(name, one.entry, one.userid)));
  }
  try {
    await allSettledOrThrow(commands);
  } catch (caught) {
    if (name !== '' || SyncError.from(caught).code !== 'IMAP_MAILBOX_NONEXISTENT') throw caught;
    // A server of 3.2 looks for a mailbox of no name at every such command, so that trying again would never end.
    emit({ kind: 'annotations:of-server-refused' });
  }
}

async function annotationsOf(
  { store }: EngineContext,
  name: ByteString,
): Promise<{ uniqueid: ByteString; annotations: readonly Annotation[] } | undefined> {
  if (name === '') return { uniqueid: '', annotations: await store.serverAnnotations() };
  return await store.readMailbox(name, ({ entry, annotations }) => ({
    uniqueid: entry.uniqueid,
    annotations,
  }));
}

/** The commands name no uniqueid: another mailbox that has the name there would get the annotations. */
async function requireMailbox(
  { session }: EngineContext,
  name: ByteString,
  uniqueid: ByteString,
): Promise<void> {
  const [there] = await session.getMailboxes([name]);
  if (there?.uniqueid === uniqueid) return;
  const fields = {
    phase: 'annotations',
    mailbox: name,
    hint: 'replicate the mailbox: sync_client -m',
  } as const;
  if (!there) throw new SyncError('IMAP_MAILBOX_NONEXISTENT', 'the replica has no such mailbox yet', fields);
  const message = `the replica has another mailbox of this name (uniqueid ${there.uniqueid})`;
  throw new SyncError('IMAP_MAILBOX_MOVED', message, fields);
}
