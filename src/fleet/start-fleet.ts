import { SyncError } from '../report/sync-error.ts';
import { checkBeside, checkOthersWhole } from './check-beside.ts';
import { contentOf } from './content-of.ts';
import { noteKey, readFleetNotes, readPlanNotes, type WaveNote } from './fleet-notes.ts';
import type { FleetSlice } from './fleet-slice.ts';
import { notePlan } from './note-plan.ts';
import type { FleetPlan } from './planner/fleet-plan.ts';
import type { FleetQueue, GateName } from './queue/fleet-queue.ts';

/** Slices that are added together: of each pairing among them in one message, and in one transaction where there are such. */
const SLICES_AT_ONCE = 5_000;

export interface Started {
  slices: number;
  /** They were there already. */
  known: number;
}

/**
 * Puts a plan on the queue. To do so again goes on where it ended, whoever was killed meanwhile: slices have their names by
 * what is in them. Limits that the operator has changed since stay.
 *
 * @param more beside plans that were started before
 * @throws SyncError USAGE if another plan was started there, and this one is not to be added or has users of that in other slices
 */
export async function startFleet(queue: FleetQueue, plan: FleetPlan, more: boolean): Promise<Started> {
  const digest = contentOf([JSON.stringify(plan.waves)]);
  const plans = await readPlanNotes(queue);
  const { waves: noted } = await readFleetNotes(queue);
  const isAlone = [...plans.keys()].every((other) => other === digest);
  if (!more && !isAlone) {
    throw new SyncError(
      'USAGE',
      `expected the plan that the fleet "${plan.fleet}" was started with, found another`,
      {
        phase: 'start',
        hint: 'cyrus-sync fleet add PLAN adds it; --fleet, and fleet = in the inventory, name another fleet',
      },
    );
  }
  const there = new Map(isAlone ? [] : (await queue.slices()).map(({ slice }) => [slice.id, slice]));
  const slices = plan.waves.flatMap((wave) => wave.slices);
  checkOthersWhole(digest, slices, plans, there);
  checkBeside(slices, there);
  await notePlan(queue, digest, { users: usersOf(slices.filter(({ id }) => !there.has(id))) }, plans);
  const gates = new Set((await queue.gates()).map(({ name }) => name));
  const open = async (gate: GateName, most: number): Promise<void> => {
    if (!gates.has(gate)) await queue.limit(gate, most);
  };
  for (const master of plan.masters) {
    await queue.note(noteKey('master', master.name), master);
    await open(`master/${master.name}`, master.slices);
  }
  for (const replica of plan.replicas) {
    await queue.note(noteKey('replica', replica.name), replica);
    await open(`replica/${replica.name}`, replica.slices);
  }
  for (const [order, { slices: ofWave, ...rest }] of plan.waves.entries()) {
    // The first count stays, since by now slices of the plan itself may be there.
    if (noted.some((wave) => wave.plan === digest && wave.name === rest.name)) continue;
    // Others are counted by the plan that brought them, and somebody may have taken users out of this one.
    const brought = ofWave.filter(({ id }) => !there.has(id));
    const wave: WaveNote = { ...rest, users: usersOf(brought), plan: digest, order };
    await queue.note(noteKey('wave', `${digest}/${wave.name}`), wave);
  }
  let added = 0;
  for (let at = 0; at < slices.length; at += SLICES_AT_ONCE) {
    added += await queue.add(slices.slice(at, at + SLICES_AT_ONCE));
  }
  return { slices: slices.length, known: slices.length - added };
}

function usersOf(slices: readonly FleetSlice[]): number {
  return slices.reduce((sum, { users }) => sum + users.length, 0);
}
