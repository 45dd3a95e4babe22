import type { PlannedWave } from './planner/fleet-plan.ts';
import type { Master, Replica } from './planner/inventory.ts';
import type { FleetQueue } from './queue/fleet-queue.ts';

/** Everything that a fleet knows beside its slices, by the beginnings of the keys of its notes. */
const KEYS = {
  plan: 'plan/',
  wave: 'wave/',
  master: 'master/',
  replica: 'replica/',
  agent: 'agent/',
  user: 'cancelled/user/',
  cancelledWave: 'cancelled/wave/',
} as const;

/** A wave as it was started; of a wave that was added to, one for each plan. */
export interface WaveNote extends Omit<PlannedWave, 'slices'> {
  plan: string;
  /** Among those of its plan. */
  order: number;
}

/** How an agent was when it last gave a sign of life. */
export interface AgentNote {
  name: string;
  host: string;
  pid: number;
  /** Milliseconds since the epoch. */
  since: number;
  seen: number;
  /** Masters of which it reads the files; null: it reads servers. */
  masters: readonly string[] | null;
  /** At work on it. */
  slice: string | null;
  wave: string | null;
}

export interface FleetNotes {
  plans: readonly string[];
  waves: readonly WaveNote[];
  masters: ReadonlyMap<string, Master>;
  replicas: ReadonlyMap<string, Replica>;
  agents: readonly AgentNote[];
  cancelledUsers: ReadonlySet<string>;
  cancelledWaves: ReadonlySet<string>;
}

export async function readFleetNotes(queue: Pick<FleetQueue, 'notes'>): Promise<FleetNotes> {
  const notes = await queue.notes('');
  // Whoever can write there could do all else, and nobody but these programs does.
  const all = <T>(beginning: string): T[] =>
    [...notes].filter(([key]) => key.startsWith(beginning)).map(([, value]) => value as T);
  const named = (beginning: string): string[] =>
    [...notes.keys()].filter((key) => key.startsWith(beginning)).map((key) => key.slice(beginning.length));
  return {
    plans: named(KEYS.plan),
    waves: all<WaveNote>(KEYS.wave).sort((one, other) => one.order - other.order),
    masters: new Map(all<Master>(KEYS.master).map((master) => [master.name, master])),
    replicas: new Map(all<Replica>(KEYS.replica).map((replica) => [replica.name, replica])),
    agents: all<AgentNote>(KEYS.agent),
    cancelledUsers: new Set(named(KEYS.user)),
    cancelledWaves: new Set(named(KEYS.cancelledWave)),
  };
}

export function noteKey(kind: keyof typeof KEYS, name: string): string {
  return `${KEYS[kind]}${name}`;
}
