import type { IQueueBackend } from 'bullmq';
import type { JobStore } from '../../../src/fleet/queue/bullmq-queue.ts';

/**
 * A database whose user is killed before a question: neither that nor any later one is asked.
 *
 * @param question counted from 1, over all queues
 */
export function dyingStore(store: JobStore, question: number): JobStore {
  let asked = 0;
  const counted = (backend: IQueueBackend): IQueueBackend =>
    new Proxy(backend, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          asked += 1;
          if (asked >= question) throw new Error('killed');
          return Reflect.apply(value, target, args);
        };
      },
    });
  return { ...store, backendOf: (queue, kind) => counted(store.backendOf(queue, kind)) };
}
