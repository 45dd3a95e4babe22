/**
 * The worker thread: one task is one batch, answered with one outcome per job.
 *
 * Store and session live as long as the thread. Events go out over `parentPort`, orders come in over a port of their
 * own, because piscina owns the task port.
 */
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { BatchRunner } from '../src/coordinator/batch-runner.ts';
import { EventBatcher } from '../src/coordinator/event-batcher.ts';
import { IDLE_WATCH } from '../src/coordinator/limits.ts';
import type {
  Outcome,
  Task,
  UnitAnswer,
  WorkerControl,
  WorkerMessage,
  WorkerSetup,
} from '../src/coordinator/messages.ts';
import type { WorkerHello } from '../src/coordinator/pool.ts';
import { realParts } from '../src/coordinator/real-parts.ts';

const setup: WorkerSetup = workerData;
const events = new EventBatcher((gathered) => post({ kind: 'events', events: gathered }));
const runner = new BatchRunner(realParts(setup, events.emit));

// In rolling mode a connection waits for work for hours, and its end should not be news only then.
setInterval(() => {
  if (runner.dropIdleClosed()) post({ kind: 'idle-closed' });
}, IDLE_WATCH).unref();

const { port1: orders, port2 } = new MessageChannel();
orders.on('message', (order: WorkerControl) => {
  switch (order.kind) {
    case 'cancel':
      runner.cancel();
      break;
    case 'renew':
      runner.renew();
      break;
    case 'cut':
      runner.cut();
      break;
    case 'exit':
      runner.exit().then(() => {
        events.flush();
        post({ kind: 'exited' });
      });
      break;
  }
});
const hello: WorkerHello = { kind: 'hello', port: port2 };
parentPort?.postMessage(hello, [port2]);

export default async function replicate(task: Task): Promise<Outcome[] | UnitAnswer> {
  const answer = 'jobs' in task ? await runner.run(task) : await runner.runUnit(task.unit);
  events.flush();
  post({ kind: 'flushed', batch: task.id });
  return answer;
}

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}
