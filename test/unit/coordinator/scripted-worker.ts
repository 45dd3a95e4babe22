/** A worker thread for the pool's own test: what it does stands in the user's name. */
import { MessageChannel, parentPort, resourceLimits, threadId } from 'node:worker_threads';
import type { Batch, Outcome, ThreadControl, ThreadMessage } from '../../../src/coordinator/pool/messages.ts';
import type { SyncEvent } from '../../../src/report/events.ts';

const { port1: orders, port2 } = new MessageChannel();
let order: (name: ThreadControl['kind']) => void = () => {};
orders.on('message', ({ kind }: ThreadControl) => {
  order(kind);
  if (kind === 'exit') post({ kind: 'exited' });
});
parentPort?.postMessage({ kind: 'hello', port: port2, thread: threadId }, [port2]);

export default async function scriptedWorker({ id, jobs }: Batch): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const job of jobs) {
    const userid = job.kind === 'mailboxes' ? '' : job.userid;
    if (userid === 'begin') post({ kind: 'events', events: beginning() });
    if (userid === 'die') process.exit(3);
    if (userid === 'tell-limits') throw new Error(`young ${resourceLimits.maxYoungGenerationSizeMb}`);
    if (userid === 'await-cut') {
      const ordered = new Promise<void>((resolve) => {
        order = (kind) => {
          if (kind === 'cut') resolve();
        };
      });
      post({ kind: 'events', events: [{ kind: 'user:start', user: userid, work: 'user' }] });
      await ordered;
    }
    outcomes.push({ kind: 'synced', job, counts: { mailboxes: threadId, messages: 0, octets: 0 } });
  }
  const events = Array.from({ length: 50 }, () => ({ kind: 'user:done', user: `batch${id}` }) as const);
  post({ kind: 'events', events });
  post({ kind: 'flushed', batch: id });
  return outcomes;
}

/** A connection, and work on it that does not end. */
function beginning(): SyncEvent[] {
  const connection = `${threadId}.1`;
  const info = { flavour: 'csync', mechanism: 'PLAIN', tls: true, compression: false } as const;
  return [
    { kind: 'connection:open', connection, server: 'replica', ...info, sieveMailbox: true },
    { kind: 'work:begun', key: 'user:begin', connection, users: ['begin'] },
  ];
}

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}
