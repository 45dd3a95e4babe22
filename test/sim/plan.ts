import type { Fault } from '../../src/sandbox/fault-script.ts';
import type { Random } from './random.ts';

/** An act of somebody on the master: a user, a delivery, an administrator, a nightly program. */
export const EDITS = [
  'append',
  'flag',
  'expunge',
  'clean-up',
  'create-folder',
  'rename-folder',
  'swap-folders',
  'delete-folder',
  'delete-folder-at-once',
  'recreate-folder',
  'set-acl',
  'subscribe',
  'unsubscribe',
  'read',
  'set-quota',
  'remove-quota',
  'create-user',
  'rename-user',
  'remove-user',
] as const;

/** An act of somebody on the replica, where nobody should be: afterwards both sides have changed. */
export const REPLICA_EDITS = [
  'replica-append',
  'replica-append',
  'replica-flag',
  'replica-expunge',
  'replica-uidvalidity',
  'replica-create',
] as const;

/**
 * One thing that happens. Whom it happens to is a number that is applied to whoever is there when it happens, so that a plan
 * still means something when others of its steps are left out.
 */
export type Step = { atMs: number } & (
  | { kind: 'edit'; edit: (typeof EDITS)[number]; choice: number; other: number }
  | { kind: 'replica-edit'; edit: (typeof REPLICA_EDITS)[number]; choice: number; other: number }
  | { kind: 'fault'; fault: Fault }
  /** All connections break; `refuseMs`: none can be made for so long. */
  | { kind: 'outage'; refuseMs: number }
  /** The next connection that is made breaks, or falls silent, at that octet. */
  | { kind: 'break'; towards: 'client' | 'server'; octets: number; silently: boolean }
  /** Somebody else has a user's sync lock. */
  | { kind: 'lock'; choice: number; forMs: number }
  /** The run is killed; another one begins. */
  | { kind: 'kill' }
);

/** All that a simulation is made of: the same plan goes the same way. */
export interface Plan {
  seed: number;
  /** The sync log is followed, rather than everybody looked at in one run after the other. */
  rolling: boolean;
  /** Folders of each user at the beginning. */
  users: number[];
  latencyMs: number;
  octetsPerSecond: number;
  connections: number;
  lookAhead: number;
  batchSize: number;
  /** Until then things happen; afterwards nobody disturbs. */
  endMs: number;
  steps: Step[];
}

/** A busy site has more than one thing happen while one user is replicated; a quiet one shows what goes wrong by itself. */
const MOST_STEPS = 40;
const MOST_FAULTS = 6;

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

export function planOf(seed: number, random: Random): Plan {
  const rolling = random.chance(0.5);
  const endMs = random.pick([2_000, 20_000, 120_000, 3_600_000]);
  const at = (): number => random.between(0, endMs);
  const steps: Step[] = [];
  for (let count = random.between(0, MOST_STEPS); count > 0; count -= 1) {
    const edit = random.pick(EDITS);
    steps.push({ atMs: at(), kind: 'edit', edit, choice: random.fraction(), other: random.fraction() });
  }
  // No log tells of what is done on the replica.
  if (!rolling && random.chance(0.3)) {
    for (let count = random.between(1, MOST_FAULTS); count > 0; count -= 1) {
      const edit = random.pick(REPLICA_EDITS);
      steps.push({
        atMs: at(),
        kind: 'replica-edit',
        edit,
        choice: random.fraction(),
        other: random.fraction(),
      });
    }
  }
  for (let count = random.between(0, MOST_FAULTS); count > 0; count -= 1) {
    steps.push({ atMs: at(), ...trouble(random) });
  }
  steps.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    rolling,
    users: Array.from({ length: random.between(1, 4) }, () => random.between(0, 4)),
    latencyMs: random.pick([0, 1, 20, 200]),
    octetsPerSecond: random.pick([20_000, 1_000_000, 100_000_000]),
    connections: random.between(1, 4),
    lookAhead: random.pick([1, 2, 8]),
    batchSize: random.pick([1, 3, 8_192]),
    endMs,
    steps,
  };
}

type Trouble<S = Step> = S extends Step ? Omit<S, 'atMs'> : never;

function trouble(random: Random): Trouble {
  switch (random.between(0, 5)) {
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
    default:
      return { kind: 'fault', fault: faultOf(random) };
  }
}

function faultOf(random: Random): Fault {
  const fault: Fault = {
    on: random.pick(COMMANDS),
    nth: random.between(1, 5),
    times: random.pick([1, 1, 3]),
    do: random.pick(['no', 'bad', 'bye', 'cut-before', 'cut-after', 'cut-inside', 'stall', 'delay']),
  };
  if (fault.do === 'no') fault.text = random.pick(REFUSALS);
  if (fault.do === 'cut-inside') fault.octets = random.between(1, 400);
  if (fault.do === 'delay') fault.milliseconds = random.pick([50, 20_000]);
  return fault;
}
