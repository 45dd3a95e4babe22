import type { FleetNotes } from '../fleet-notes.ts';
import type { Gate, SliceRecord } from '../queue/fleet-queue.ts';
import { fleetView, type UserStanding, userStandings } from './fleet-view.ts';

export const FLEET_REPORT_SCHEMA = 'cyrus-sync-fleet-report';
const VERSION = 1;

/** The document that is left of a fleet: each user with its grade, whatever slice it came with. */
export function fleetReport(
  fleet: string,
  records: readonly SliceRecord[],
  notes: FleetNotes,
  gates: readonly Gate[],
  now: number,
): object {
  const { standing, users: counts, waves, octets } = fleetView(records, notes, gates, now);
  const users = [...userStandings(records, notes).values()];
  const grades: Record<string, number> = {};
  for (const { result } of users) {
    if (result?.grade != null) grades[result.grade] = (grades[result.grade] ?? 0) + 1;
  }
  return {
    ...{ schema: FLEET_REPORT_SCHEMA, version: VERSION, fleet, written: new Date(now).toISOString() },
    complete: standing === 'done',
    ...{ standing, counts, grades, octets, waves },
    users: users.map(reported),
  };
}

function reported({
  user,
  wave,
  master,
  replica,
  slice,
  round,
  outcome,
  result,
  reason,
}: UserStanding): object {
  return {
    ...{ user, wave, master, replica, slice, round, outcome, grade: result?.grade ?? null },
    messages: result?.messages ?? 0,
    octets: result?.octets ?? 0,
    seconds: result?.seconds ?? 0,
    error:
      result?.error ??
      (reason === undefined ? null : { code: null, message: reason, hint: null, mailbox: null }),
  };
}
