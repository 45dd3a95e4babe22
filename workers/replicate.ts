/**
 * The worker thread: one task is one batch, answered with one outcome per job, or one unit of a sync log.
 *
 * Store and connections live as long as the thread. Events go out over `parentPort`, orders come in over a port of their
 * own, because piscina owns the task port.
 */
import { MessageChannel, parentPort, threadId, workerData } from 'node:worker_threads';
import { IDLE_WATCH_MS } from '../src/coordinator/limits.ts';
import { BatchRunner } from '../src/coordinator/pool/batch-runner.ts';
import { EventBatcher } from '../src/coordinator/pool/event-batcher.ts';
import type {
  Outcome,
  Task,
  ThreadControl,
  ThreadMessage,
  ThreadOrder,
  ThreadStart,
  UnitAnswer,
} from '../src/coordinator/pool/messages.ts';
import { openStore } from '../src/coordinator/pool/open-store.ts';
import { RunnerSet } from '../src/coordinator/pool/runner-set.ts';
import { threadParts } from '../src/coordinator/pool/thread-parts.ts';
import type { ThreadHello } from '../src/coordinator/pool/thread-pool.ts';
import { chooseLocks } from '../src/native/locks.ts';

const { setup }: ThreadStart = workerData;
chooseLocks(setup.locks);
const events = new EventBatcher((gathered) => post({ kind: 'events', events: gathered }));
const store = openStore(setup, events.emit);
const parts = threadParts(setup, events.emit, store);
const runners = new RunnerSet(
  () => new BatchRunner({ ...parts(), thread: threadId }),
  // Until it is told how many.
  1,
);

// In rolling mode a connection waits for work for hours, and its end should not be news only then.
setInterval(() => {
  if (runners.dropIdleClosed()) post({ kind: 'idle-closed' });
}, IDLE_WATCH_MS).unref();

/** Orders heard of: a task comes on another port, and waits for those that were given before it. */
let heard = 0;
const onOrder: (() => void)[] = [];

const { port1: orders, port2 } = new MessageChannel();
orders.on('message', (order: ThreadControl) => {
  obey(order);
  heard = Math.max(heard, order.number);
  for (const call of onOrder.splice(0)) call();
});

function obey(order: ThreadOrder): void {
  switch (order.kind) {
    case 'connections':
      runners.setLimit(order.limit);
      break;
    case 'cancel':
      runners.cancel();
      break;
    case 'renew':
      runners.renew();
      break;
    case 'cut':
      runners.cut();
      break;
    case 'exit':
      runners.exit().then(() => {
        store.close();
        events.flush();
        post({ kind: 'exited' });
      });
      break;
  }
}

const hello: ThreadHello = { kind: 'hello', port: port2, thread: threadId };
parentPort?.postMessage(hello, [port2]);

export default async function replicate(task: Task): Promise<Outcome[] | UnitAnswer> {
  while (heard < (task.orders ?? 0)) await new Promise<void>((resolve) => onOrder.push(resolve));
  const answer = 'jobs' in task ? await runners.run(task) : await runners.runUnit(task);
  events.flush();
  post({ kind: 'flushed', batch: task.id });
  return answer;
}

function post(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}
