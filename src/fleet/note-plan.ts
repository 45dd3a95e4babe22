import { SyncError } from '../report/sync-error.ts';
import { noteKey, type PlanNote, readPlanNotes } from './fleet-notes.ts';
import type { FleetQueue } from './queue/fleet-queue.ts';

/**
 * Notes a plan before anything of it is on the queue, and looks again. Of two that are started at the same moment at least one
 * sees the other then, and whoever does begins nothing: neither could have looked through the slices of the other, and who is in
 * both would be moved twice.
 *
 * @param before the plans that this one was compared with
 * @throws SyncError USAGE
 */
export async function notePlan(
  queue: FleetQueue,
  digest: string,
  note: PlanNote,
  before: ReadonlyMap<string, PlanNote>,
): Promise<void> {
  const isNew = !before.has(digest);
  if (isNew) await queue.note(noteKey('plan', digest), note);
  const others = [...(await readPlanNotes(queue)).keys()].filter((plan) => plan !== digest);
  if (others.every((plan) => before.has(plan))) return;
  if (isNew) await queue.forget(noteKey('plan', digest));
  throw new SyncError(
    'USAGE',
    'expected to be alone, found another plan that was started at the same moment',
    {
      phase: 'start',
      hint: 'Nothing of this one was begun: call it again',
    },
  );
}
