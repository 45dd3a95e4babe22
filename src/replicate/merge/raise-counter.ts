import { SyncError } from '../../report/sync-error.ts';
import { compareMailbox } from '../compare/compare-mailbox.ts';
import { mailboxLine, sinceOf } from '../compare/mailbox-line.ts';
import { withUnreadAsThere } from '../compare/with-unread-as-there.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { MailboxTask } from '../connection/mailbox-task.ts';
import { checkSensible } from './check-sensible.ts';
import { tellMaster } from './tell-master.ts';

/**
 * Tells the master's server the replica's XCONVMODSEQ where nothing else is higher there. The counter goes with every
 * folder of a conversation: what a merge of one folder made the replica count, it has counted for the others too. No mail
 * depends on it, so that a master that must not be written to keeps its own.
 *
 * @returns false if more than that differs by now
 */
export async function raiseCounter(context: EngineContext, task: MailboxTask): Promise<boolean> {
  const { session, store, options } = context;
  const { name } = task.entry;
  const [remote] = await session.getMailboxes([name]);
  if (remote === undefined) return false;
  const local = await store.readMailbox(name, (mailbox) => withUnreadAsThere(mailbox, remote));
  if (local === undefined) return false;
  const { entry, state } = local;
  checkSensible(state, remote, [], 'nothing was changed on either side');
  const raised = {
    ...local,
    state: { ...state, xconvmodseq: Math.max(state.xconvmodseq, remote.xconvmodseq) },
  };
  if (compareMailbox(raised, remote, options).kind !== 'unchanged') return false;
  task.onState(state);
  if (raised.state.xconvmodseq === state.xconvmodseq || !context.master || options.noCopyback) return true;
  const line = mailboxLine(raised, undefined, { partition: entry.partition ?? '', local: true });
  const master = await context.master.connect();
  try {
    await tellMaster(master.session, state, { ...line, since: sinceOf(state) }, []);
    return true;
  } catch (caught) {
    if (SyncError.from(caught).family !== 'refused') throw caught;
    // Somebody was quicker. The merge looks again.
    return false;
  }
}
