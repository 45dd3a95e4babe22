import type { Fault } from '../../src/sandbox/fault-script.ts';
import { DAMAGES, EDITS, LOCKERS, type Plan, REPLICA_EDITS, type Step, THEMES, type Theme } from './plan.ts';
import type { Random } from './random.ts';

/** A busy site has more than one thing happen while one user is replicated; a quiet one shows what goes wrong by itself. */
const MOST_STEPS = 40;
const MOST_FAULTS = 6;
/** Mailboxes that are read in a plan of that size before nothing is left to disturb. */
const MOST_READS = 60;
/** One site of so many has a stage that is dropped after so many messages. */
const SITES_OF_A_SMALL_STAGE = 7;
const SMALL_STAGE = 3;

/** Answers that the replica may give to a command that it could have done. */
const REFUSALS = [
  'IMAP_MAILBOX_LOCKED Mailbox is locked',
  'IMAP_AGAIN Try again',
  'IMAP_SYNC_CHECKSUM Checksum Failure',
  'IMAP_IOERROR System I/O error',
  'Unknown error',
];
const COMMANDS = [
  'GET USER',
  'GET FULLMAILBOX',
  'GET FETCH',
  'APPLY RESERVE',
  'APPLY MESSAGE',
  'APPLY MAILBOX',
  'APPLY RENAME',
  'APPLY UNMAILBOX',
  'APPLY UNUSER',
  'APPLY SUB',
  'APPLY SEEN',
  'APPLY QUOTA',
  'RESTART',
];

type Edit = (typeof EDITS)[number];

/** Edits by which users and their folders change hands. */
const MOVES: readonly Edit[] = [
  'rename-user',
  'rename-user',
  'move-folder',
  'move-folder',
  'remove-user',
  'create-user',
  'append',
  'subscribe',
];
/** Edits that meet those of the replica. */
const MEETING: readonly Edit[] = [
  'append',
  'append',
  'append',
  'flag',
  'expunge',
  'clean-up',
  'rename-folder',
  'delete-folder',
];
const EDITS_OF: Partial<Record<Theme, readonly Edit[]>> = { people: MOVES, conflict: MEETING };
const ROLLING: Partial<Record<Theme, boolean>> = {
  conflict: false,
  refusals: false,
  pending: true,
  people: true,
};

/** A site with what happens at it. */
export function planOf(seed: number, random: Random): Plan {
  const theme = random.chance(0.25) ? 'any' : random.pick(THEMES);
  const rolling = ROLLING[theme] ?? random.chance(0.5);
  const endMs = random.pick(theme === 'any' ? [2_000, 20_000, 120_000, 3_600_000] : [2_000, 20_000]);
  const newReplica = random.chance(0.5);
  const steps: Step[] = [];
  const add = (most: number, make: () => Happening): void => {
    for (let count = random.between(0, most); count > 0; count -= 1) {
      const atRead = random.chance(theme === 'race' ? 0.8 : 0.1) ? random.between(1, MOST_READS) : undefined;
      steps.push({ atMs: random.between(0, endMs), ...(atRead && { atRead }), ...make() });
    }
  };
  // A mailbox of scripts is made by Cyrus alone.
  const all = newReplica ? EDITS.filter((edit) => !edit.endsWith('-script')) : EDITS;
  const edits = EDITS_OF[theme] ?? all;
  const target = () => ({ choice: random.fraction(), other: random.fraction() });
  add(theme === 'refusals' ? MOST_FAULTS : MOST_STEPS, () => ({
    kind: 'edit',
    edit: random.pick(edits),
    ...target(),
  }));
  // No log tells of what is done on the replica.
  if (!rolling && (theme === 'conflict' || random.chance(0.2))) {
    add(2 * MOST_FAULTS, () => ({ kind: 'replica-edit', edit: random.pick(REPLICA_EDITS), ...target() }));
    add(3, () => ({ kind: 'master-lost', nth: random.between(1, 12) }));
    add(2, () => ({ kind: 'fault', fault: { on: 'GET FETCH', times: random.pick([1, 3]), do: 'damage' } }));
  }
  if (theme === 'damage' || random.chance(0.1)) {
    add(MOST_FAULTS, () => ({ kind: 'damage', damage: random.pick(DAMAGES), ...target() }));
  }
  if (theme === 'refusals') add(MOST_FAULTS, () => ({ kind: 'fault', fault: refusal(random) }));
  if (theme === 'people') {
    add(3, () => ({ kind: 'fault', fault: { on: 'APPLY RENAME', nth: random.between(1, 3), do: 'no' } }));
  }
  if (theme === 'pending') {
    add(3, () => ({ kind: 'kill' }));
    add(MOST_FAULTS, () => ({ kind: 'lock', choice: random.fraction(), forMs: 10_000 }));
    add(3, () => ({ kind: 'log-full', forMs: 5_000 }));
  }
  if (random.chance(0.3)) {
    add(MOST_FAULTS, () => ({
      kind: 'work',
      program: random.pick(LOCKERS),
      ...target(),
      forMs: random.pick([1, 50, 5_000]),
    }));
  }
  add(MOST_FAULTS, () => trouble(random));
  steps.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    theme,
    rolling,
    newReplica,
    relogLocked: random.chance(theme === 'pending' ? 0.7 : 0.3),
    users: sizes(theme, random),
    shared: random.pick([0, 0, 1, 3]),
    latencyMs: random.pick([0, 1, 20, 200]),
    octetsPerSecond: random.pick([20_000, 1_000_000, 100_000_000]),
    connections: random.between(1, 4),
    lookAhead: random.pick([1, 2, 8]),
    batchSize: random.pick([1, 3, 8_192]),
    mostStaged: seed % SITES_OF_A_SMALL_STAGE === 3 ? SMALL_STAGE : undefined,
    endMs,
    steps,
  };
}

/** Folders of each user: few where both sides are to meet in one. */
function sizes(theme: Theme, random: Random): number[] {
  const [users, folders] = theme === 'conflict' ? [2, 1] : [4, 4];
  return Array.from({ length: random.between(1, users) }, () => random.between(0, folders));
}

type Happening<S = Step> = S extends Step ? Omit<S, 'atMs' | 'atRead'> : never;

function trouble(random: Random): Happening {
  switch (random.between(0, 8)) {
    case 0:
      return { kind: 'outage', refuseMs: random.pick([0, 100, 30_000]) };
    case 1:
      return {
        kind: 'break',
        towards: random.pick(['client', 'server']),
        octets: random.between(1, random.pick([200, 5_000])),
        silently: random.chance(0.2),
      };
    case 2:
      return { kind: 'lock', choice: random.fraction(), forMs: random.pick([10, 10_000]) };
    case 3:
      return { kind: 'kill' };
    case 4:
      return { kind: 'full-disk', commands: random.between(1, 20) };
    case 5:
      return { kind: 'log-full', forMs: random.pick([100, 5_000]) };
    default:
      return { kind: 'fault', fault: faultOf(random) };
  }
}

function faultOf(random: Random): Fault {
  const fault: Fault = {
    on: random.pick(COMMANDS),
    nth: random.between(1, 5),
    times: random.pick([1, 1, 3]),
    do: random.pick([
      'no',
      'bad',
      'bye',
      'cut-before',
      'cut-after',
      'cut-inside',
      'stall',
      'delay',
      'damage',
    ]),
  };
  if (fault.do === 'no') fault.text = random.pick(REFUSALS);
  if (fault.do === 'damage') {
    fault.on = 'GET FETCH';
    fault.nth = 1;
    fault.times = random.pick([1, 3]);
  }
  if (fault.do === 'cut-inside') fault.octets = random.between(1, 400);
  if (fault.do === 'delay') fault.milliseconds = random.pick([50, 20_000]);
  return fault;
}

/** A mailbox that is refused again and again, or messages: all that depends on them has to wait. */
function refusal(random: Random): Fault {
  const user = `user.u${random.between(1, 4)}`;
  const fault: Fault = {
    on: random.pick(['APPLY MAILBOX', 'APPLY MESSAGE']),
    nth: random.between(1, 3),
    times: random.pick([1, 3, 1_000_000]),
    do: 'no',
    text: random.pick(REFUSALS),
  };
  if (fault.on === 'APPLY MAILBOX')
    fault.mailbox = random.pick([user, user, `${user}.Sent`, `${user}.Drafts`]);
  else fault.times = random.pick([1, 3]);
  return fault;
}
