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
  cancelled: 'cancelled/',
  user: 'cancelled/user/',
  cancelledWave: 'cancelled/wave/',
} as const;

/** A wave as it was started; of a wave that was added to, one for each plan. */
export interface WaveNote extends Omit<PlannedWave, 'slices'> {
  plan: string;
  /** Among those of its plan. */
  order: number;
}

/** A plan that was started. */
export interface PlanNote {
  /** Whom it brought to the queue: others were there before. */
  users: number;
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

export interface FleetTerms {
  masters: ReadonlyMap<string, Master>;
  replicas: ReadonlyMap<string, Replica>;
  cancelledUsers: ReadonlySet<string>;
  cancelledWaves: ReadonlySet<string>;
}

export interface FleetNotes extends FleetTerms {
  plans: readonly string[];
  waves: readonly WaveNote[];
  agents: readonly AgentNote[];
}

/** By their names. */
export async function readPlanNotes(queue: Pick<FleetQueue, 'notes'>): Promise<Map<string, PlanNote>> {
  const plans = await queue.notes(KEYS.plan);
  return new Map([...plans].map(([key, note]) => [key.slice(KEYS.plan.length), note as PlanNote]));
}

/** Everything. */
export async function readFleetNotes(queue: Pick<FleetQueue, 'notes' | 'noted'>): Promise<FleetNotes> {
  const [plans, waves, agents, terms] = await Promise.all([
    queue.notes(KEYS.plan),
    queue.notes(KEYS.wave),
    queue.notes(KEYS.agent),
    readFleetTerms(queue),
  ]);
  // Whoever can write there could do all else, and nobody but these programs does.
  return {
    plans: namesOf(plans, KEYS.plan),
    waves: [...waves.values()].map((wave) => wave as WaveNote).sort((one, other) => one.order - other.order),
    agents: [...agents.values()] as AgentNote[],
    ...terms,
  };
}

/**
 * An agent has to know this before each slice, and all of its fellows ask for it as well.
 *
 * @param of these masters alone; undefined: of all
 */
export async function readFleetTerms(
  queue: Pick<FleetQueue, 'notes' | 'noted'>,
  of?: readonly string[],
): Promise<FleetTerms> {
  const [masters, replicas, cancelled] = await Promise.all([
    of === undefined ? queue.notes(KEYS.master) : namedOf(queue, KEYS.master, of),
    queue.notes(KEYS.replica),
    queue.notes(KEYS.cancelled),
  ]);
  return {
    masters: new Map([...masters.values()].map((each) => [(each as Master).name, each as Master])),
    replicas: new Map([...replicas.values()].map((each) => [(each as Replica).name, each as Replica])),
    cancelledUsers: new Set(namesOf(cancelled, KEYS.user)),
    cancelledWaves: new Set(namesOf(cancelled, KEYS.cancelledWave)),
  };
}

async function namedOf(
  queue: Pick<FleetQueue, 'noted'>,
  beginning: string,
  names: readonly string[],
): Promise<Map<string, unknown>> {
  const values = await Promise.all(names.map((name) => queue.noted(`${beginning}${name}`)));
  return new Map(
    values.flatMap((value, at) => (value === undefined ? [] : [[`${beginning}${names[at]}`, value]])),
  );
}

function namesOf(notes: ReadonlyMap<string, unknown>, beginning: string): string[] {
  return [...notes.keys()]
    .filter((key) => key.startsWith(beginning))
    .map((key) => key.slice(beginning.length));
}

export function noteKey(kind: keyof typeof KEYS, name: string): string {
  return `${KEYS[kind]}${name}`;
}
