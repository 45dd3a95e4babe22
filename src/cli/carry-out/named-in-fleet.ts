import type { FleetNotes } from '../../fleet/fleet-notes.ts';
import type { UserStanding } from '../../fleet/state/fleet-view.ts';
import { shownValue } from '../../report/shown-value.ts';
import { usageError } from '../arguments/arguments.ts';
import type { FleetStep } from './fleet-step.ts';

/** Whom a name on the command line stands for. */
export interface NamedInFleet {
  isWave: boolean;
  users: readonly UserStanding[];
}

/**
 * Nobody is taken for somebody else: a user may be called as a wave is.
 *
 * @param all by their names
 * @throws SyncError USAGE if there is nobody of that name, or two
 */
export function namedInFleet(
  { step, name, kind }: Pick<FleetStep, 'step' | 'name' | 'kind'>,
  all: ReadonlyMap<string, UserStanding>,
  { waves }: Pick<FleetNotes, 'waves'>,
): NamedInFleet {
  const isWave = kind !== 'user' && waves.some((wave) => wave.name === name);
  const user = kind === 'wave' ? undefined : all.get(name);
  if (isWave && user !== undefined) {
    throw usageError(
      `expected ${step} user ${name} or ${step} wave ${name}, as there are both, found ${step} ${name}`,
    );
  }
  if (isWave) return { isWave, users: [...all.values()].filter(({ wave }) => wave === name) };
  if (user !== undefined) return { isWave, users: [user] };
  const expected = kind === undefined ? 'user or wave' : kind;
  const where = kind === 'wave' ? '' : ', which is on no slice';
  throw usageError(`expected a ${expected} of the fleet, found ${shownValue(name)}${where}`);
}
