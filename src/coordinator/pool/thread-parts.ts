import { MessagesThere } from '../../replicate/engine.ts';
import type { EventListener } from '../../report/events.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { BatchRunnerParts } from './batch-runner.ts';
import type { PoolSetup } from './messages.ts';
import { realParts } from './real-parts.ts';

/** @returns what makes the parts of each connection of this thread, with what they know of the replica in common */
export function threadParts(
  setup: PoolSetup,
  emit: EventListener,
  store: MasterStore,
): () => BatchRunnerParts {
  const there = new MessagesThere();
  return () => ({ ...realParts(setup, emit, store), there });
}
