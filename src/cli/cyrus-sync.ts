import { Command } from 'commander';
import { EXIT_OK } from '../coordinator/run/exit-codes.ts';
import { shownValue } from '../report/shown-value.ts';
import { SyncError } from '../report/sync-error.ts';
import { checkModesOfVerb, readArguments, usageError } from './arguments/arguments.ts';
import { programVersion } from './arguments/program-version.ts';
import { failed, inFrame } from './start/in-frame.ts';
import type { Verb } from './verbs/verb.ts';

export const PROGRAM = 'cyrus-sync';

export interface VerbEntry {
  summary: string;
  load(): Promise<Verb>;
}

/** The verbs, of which the C client has no notion. Each is loaded only when it is named. */
export const VERBS: Readonly<Record<string, VerbEntry>> = {
  verify: {
    summary: 'prove that the replica is the same, or say what differs',
    load: async () => (await import('./verbs/verify.ts')).verify,
  },
  check: {
    summary: 'say what stands in the way of a run, and what to do about it',
    load: async () => (await import('./verbs/check.ts')).check,
  },
  plan: {
    summary: 'say what a run would do, and how long it would take',
    load: async () => (await import('./verbs/plan.ts')).plan,
  },
  status: {
    summary: 'say how the runs of this host stand',
    load: async () => (await import('./verbs/status.ts')).status,
  },
  ctl: {
    summary: 'ask and steer a run that is under way',
    load: async () => (await import('./verbs/ctl.ts')).ctl,
  },
  fleet: {
    summary: 'move users between many masters and many replicas',
    load: async () => (await import('./verbs/fleet.ts')).fleet,
  },
};

const USAGE = `Usage: ${PROGRAM} VERB [options]
Try '${PROGRAM} --help' for the verbs, '${PROGRAM} VERB --help' for the options of one.
`;

/**
 * The whole command.
 *
 * @param argv without interpreter and script
 * @returns the exit code
 */
export async function main(argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const [first, ...rest] = argv;
  try {
    if (first === undefined || first.startsWith('-')) return answer(argv);
    const entry = Object.hasOwn(VERBS, first) ? VERBS[first] : undefined;
    if (entry === undefined) {
      const known = Object.keys(VERBS).join(', ');
      throw usageError(`expected one of the verbs ${known}, found ${shownValue(first)}`);
    }
    const verb = await entry.load();
    const command = verb.command(`${PROGRAM} ${first}`, programVersion());
    const args = readArguments(command, verb.spell?.(rest) ?? rest, verb.checkArguments ?? checkModesOfVerb);
    if (args.answer !== undefined) {
      process.stdout.write(args.answer);
      return EXIT_OK;
    }
    const work = verb.prepare(args, command.opts());
    return await inFrame(PROGRAM, args.exitCodes, environment, (signal) => work(environment, signal));
  } catch (caught) {
    const code = failed(PROGRAM, caught);
    if (SyncError.from(caught).code === 'USAGE') process.stderr.write(USAGE);
    return code;
  }
}

/** Answers for the command itself, where no verb is given. @throws SyncError USAGE */
function answer(argv: readonly string[]): number {
  const verbs = Object.entries(VERBS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  const command = new Command(PROGRAM)
    .usage('VERB [options]')
    .description('Tells of a Cyrus IMAP server and its replica what sync_client does not.')
    .argument('[verb]')
    .helpOption('--help', 'show this and exit')
    .version(programVersion(), '--version', 'show the version and exit')
    .addHelpText(
      'after',
      `\nVerbs:\n${verbs.join('\n')}\n\n${PROGRAM} VERB --help shows the options of one.\n`,
    );
  const args = readArguments(command, argv, () => {
    throw usageError(`expected a verb: ${Object.keys(VERBS).join(', ')}`);
  });
  process.stdout.write(args.answer ?? '');
  return EXIT_OK;
}
