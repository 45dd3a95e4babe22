import { Command, Option } from 'commander';
import { DURATION_FORMS, parseDuration } from '../../config/values.ts';
import { FLEET_NAME, FLEET_NAME_FORM } from '../../fleet/planner/inventory.ts';
import { DEFAULT_RULES } from '../../fleet/queue/fleet-queue.ts';
import { shownValue } from '../../report/shown-value.ts';
import { usageError } from '../arguments/arguments.ts';
import { addOptions, OPTIONS } from '../arguments/options.ts';
import type { Verb } from './verb.ts';

/** Sub-verbs, with how many names each takes and what it does. */
const STEPS: Readonly<
  Record<string, { names: readonly [least: number, most: number]; form: string; does: string }>
> = {
  sizes: { names: [0, 0], form: 'sizes', does: 'users of a master and what they have, for the inventory' },
  plan: {
    names: [1, 1],
    form: 'plan FILE',
    does: 'who goes where in which order, of an inventory; --json to keep it',
  },
  start: { names: [1, 1], form: 'start PLAN', does: 'puts a plan on the queue; again: goes on with it' },
  add: { names: [1, 1], form: 'add PLAN', does: 'puts another plan beside it' },
  agent: { names: [0, 0], form: 'agent', does: 'takes slices and replicates them, until it is stopped' },
  status: { names: [0, 0], form: 'status', does: 'how the fleet stands' },
  users: {
    names: [1, 1],
    form: 'users failed|slow',
    does: 'who needs a person and why, or who took longest',
  },
  pause: { names: [1, 1], form: 'pause REPLICA|all', does: 'no slice of it begins' },
  resume: { names: [1, 1], form: 'resume REPLICA|all', does: 'they begin again' },
  limit: { names: [1, 1], form: 'limit REPLICA=N', does: 'so many slices of it at once' },
  cancel: {
    names: [1, 2],
    form: 'cancel [user|wave] NAME',
    does: 'not moved, unless it is being moved now',
  },
  retry: {
    names: [1, 2],
    form: 'retry [user|wave] NAME',
    does: 'who needed a person, or was cancelled, comes again; failed: all of the first',
  },
  report: {
    names: [1, 1],
    form: 'report FILE',
    does: 'each user with its grade, as JSON; - is standard output',
  },
};

const HELP = Object.values(STEPS)
  .map(({ form, does }) => `  ${form.padEnd(25)}${does}`)
  .join('\n');

/** Options that say something to some of the steps alone. */
const STEPS_OF_OPTION: Readonly<Record<string, readonly string[]>> = {
  master: ['agent'],
  agentName: ['agent'],
  untilDone: ['agent'],
  lease: ['agent'],
  metrics: ['agent'],
  watch: ['status'],
  json: ['plan', 'status', 'users'],
  from: ['sizes'],
};

/** Shorter, and a process that is busy for a moment has lost its slice; longer, and that of one that died waits for nothing. */
const LEASE_SECONDS = { least: 2, most: 3_600 };

/** Names the queue where --queue does not: an address may hold a password, which a command line shows to everybody. */
export const QUEUE_VARIABLE = 'CYRUS_SYNC_QUEUE';

/** Moves users between many masters and many replicas. */
export const fleet: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('STEP [NAME] [options]')
      .description('Moves users between many masters and many replicas, over a queue that agents share.')
      .argument('[words...]', 'what to do, and with whom')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit')
      .addHelpText(
        'after',
        `\nSteps:\n${HELP}\n\nExit codes:\n  0 done   1 failed, or somebody needs a person   64 usage   78 configuration\n`,
      );
    addOptions(
      command,
      'Which fleet:',
      [
        '--queue <address>',
        `redis://, rediss:// or postgres://, or a directory of this host (default: $${QUEUE_VARIABLE}, then /var/lib/cyrus-sync/fleet)`,
      ],
      ['--fleet <name>', 'which of those on the queue (default: fleet)'],
    );
    addOptions(
      command,
      'Agents:',
      ['--master <names>', 'this host is these masters, and their files are read; without, servers are read'],
      ['--agent-name <name>', 'how it is called in status (default: host and process)'],
      ['--until-done', 'end when nothing is left that it could do'],
      ['--lease <time>', 'what an agent has goes to another when it was silent for so long (default: 30s)'],
      OPTIONS.config,
      OPTIONS.settings,
      OPTIONS.metrics,
      OPTIONS.logFile,
      OPTIONS.logToStderr,
    );
    command.addOption(
      new Option(
        '--log-format <format>',
        'of the log file and the log on standard error: text, or json lines',
      )
        .choices(['text', 'json'])
        .helpGroup('Agents:'),
    );
    addOptions(
      command,
      'What to say:',
      ['--json', 'print all that is known as JSON'],
      ['--watch', 'with status: stay on the screen, until interrupted'],
      OPTIONS.from,
    );
    return command;
  },
  checkArguments(_modes, [step, ...names]) {
    if (step === undefined) throw usageError(`expected a step: ${Object.keys(STEPS).join(', ')}`);
    const known = Object.hasOwn(STEPS, step) ? STEPS[step] : undefined;
    if (known === undefined) {
      throw usageError(
        `expected one of the steps ${Object.keys(STEPS).join(', ')}, found ${shownValue(step)}`,
      );
    }
    const [least, most] = known.names;
    const kind = names.length > 1 && most > 1 ? names[0] : undefined;
    if (names.length < least || names.length > most || !(kind === undefined || isKind(kind))) {
      throw usageError(
        `expected cyrus-sync fleet ${known.form}, found ${names.length} name${names.length === 1 ? '' : 's'}`,
      );
    }
  },
  prepare(args, own) {
    const [step = '', ...names] = args.operands;
    const [name = '', kind] = names.toReversed();
    const text = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));
    const options = {
      fleet: text(own.fleet),
      masters: text(own.master)
        ?.split(',')
        .filter((each) => each !== ''),
      agentName: text(own.agentName),
      leaseMs: own.lease === undefined ? DEFAULT_RULES.leaseMs : leaseMs(String(own.lease)),
      untilDone: own.untilDone === true,
      json: own.json === true,
      watch: own.watch === true,
    };
    for (const [option, steps] of Object.entries(STEPS_OF_OPTION)) {
      if (own[option] === undefined || steps.includes(step)) continue;
      const name = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw usageError(`expected --${name} with ${steps.join(', ')} alone, found it with ${step}`);
    }
    if (options.fleet !== undefined && !FLEET_NAME.test(options.fleet)) {
      throw usageError(`option --fleet expects ${FLEET_NAME_FORM}, found ${shownValue(options.fleet)}`);
    }
    if (options.masters?.length === 0) throw usageError('option --master expects names, found none');
    return async (environment, signal) => {
      const { carryOutFleet } = await import('../carry-out/carry-out-fleet.ts');
      const queue = text(own.queue) ?? (environment[QUEUE_VARIABLE] || undefined);
      const whom = kind !== undefined && isKind(kind) ? kind : undefined;
      return await carryOutFleet({ step, name, kind: whom, queue, args, ...options }, environment, signal);
    };
  },
};

/** A user may be called as a wave is. */
function isKind(word: string): word is 'user' | 'wave' {
  return word === 'user' || word === 'wave';
}

/** @throws SyncError USAGE */
function leaseMs(text: string): number {
  const { least, most } = LEASE_SECONDS;
  const seconds = parseDuration(text) ?? 0;
  if (seconds < least || seconds > most) {
    throw usageError(
      `option --lease expects ${DURATION_FORMS}, from ${least}s to ${most}s, found ${shownValue(text)}`,
    );
  }
  return seconds * 1_000;
}
