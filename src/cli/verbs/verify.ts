import { Command } from 'commander';
import { exitCodeOfComparison } from '../../coordinator/run/exit-codes.ts';
import { COMPARING } from '../../report/program-words.ts';
import { shownValue } from '../../report/shown-value.ts';
import { syncLogPath } from '../../rolling/log/sync-log.ts';
import { usageError } from '../arguments/arguments.ts';
import { addChoosing, addOptions, addSteering, OPTIONS } from '../arguments/options.ts';
import type { RunPlan } from '../run-plan/run-plan.ts';
import type { Verb } from './verb.ts';

/** Highest N of `--deep=1/N`: a smaller share would take longer than anybody keeps a backup. */
const MOST_PARTS = 10_000;
const MS_PER_DAY = 86_400_000;

const EXAMPLES = `
Examples:
  cyrus-sync verify -A                    every user and shared mailbox
  cyrus-sync verify -u alice --deep       every message of one user
  cyrus-sync verify -A --deep=1/30        a thirtieth of the mailboxes, another one each day
  cyrus-sync verify -A --repair           and replicate what differs, then compare again

Exit codes:
  0 everything proven the same   2 something differs   3 could not tell for some
  64 usage   70 no replica configured   75 stopped, run again   78 configuration
`;

const SHARE = /^1\/([0-9]{1,5})$/;

/** Compares, and changes nothing on either side unless it is told to repair. */
export const verify: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('{-A | -u | -m} [options] [NAME...]')
      .description('Compares what this server and its replica have, and says what differs.')
      .argument('[names...]', 'users (-u), mailboxes (-m), or one mailbox name prefix (-A)')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit')
      .addHelpText('after', EXAMPLES);
    addOptions(command, 'What to compare (one of):', OPTIONS.users, OPTIONS.mailboxes, OPTIONS.all);
    addOptions(
      command,
      'Where:',
      OPTIONS.config,
      OPTIONS.server,
      OPTIONS.from,
      ['-n, --channel <channel>', 'use the options CHANNEL_sync_... where they are set'],
      OPTIONS.inputFile,
      OPTIONS.settings,
    );
    addChoosing(command);
    addSteering(command);
    addOptions(
      command,
      'How:',
      [
        '--deep <share>',
        'every message, and its file on the replica; =1/30: of a thirtieth of the mailboxes',
      ],
      ['--repair', 'replicate what differs, and compare again'],
      ['-O, --no-copyback', 'with --repair: never change the master; make the replica follow'],
      OPTIONS.workers,
      OPTIONS.connectOnce,
      OPTIONS.requireCompression,
    );
    addOptions(
      command,
      'What to say:',
      OPTIONS.verbose,
      OPTIONS.progress,
      OPTIONS.noProgress,
      OPTIONS.stats,
      OPTIONS.logToStderr,
      OPTIONS.metrics,
      OPTIONS.report,
    );
    return command;
  },

  spell: (argv) => {
    const end = argv.indexOf('--');
    return argv.map((word, at) => {
      if (word !== '--deep' || (end >= 0 && at > end)) return word;
      // It would be taken for the prefix of -A, whom nobody has.
      const next = argv[at + 1] ?? '';
      if (SHARE.test(next)) throw usageError(`expected --deep=${next} in one word, found --deep ${next}`);
      return '--deep=1/1';
    });
  },

  prepare(args, own) {
    const repair = own.repair === true;
    if (args.noCopyback && !repair)
      throw usageError('expected -O with --repair alone: nothing is changed without');
    const deep = share(own.deep);
    return async (environment, signal) => {
      const [{ planRun }, { becomeCyrusUser }, { checkProgramReadable }, { carryOut }, rest] =
        await Promise.all([
          import('../run-plan/plan-run.ts'),
          import('../run-plan/become-cyrus-user.ts'),
          import('../start/check-program-readable.ts'),
          import('../carry-out/carry-out.ts'),
          Promise.all([import('../carry-out/output-files.ts'), import('../carry-out/replica-listing.ts')]),
        ]);
      const [{ openOutputFiles }, { ReplicaListing }] = rest;
      const plan = planRun(args, environment);
      using files = await openOutputFiles(plan, 'cyrus-sync verify');
      becomeCyrusUser(plan.identity);
      checkProgramReadable(plan.identity.user);
      const listing = new ReplicaListing(plan.setup);
      return await carryOut(comparing(plan, deep, repair), files, signal, {
        words: COMPARING,
        exitCode: (end, verdicts) => exitCodeOfComparison(end, verdicts, listing.failed),
        ...(plan.mode.kind === 'all' && { findOnlyThere: listing.find }),
      });
    };
  },
};

/** @throws SyncError USAGE */
function share(text: unknown): { parts: number; turn: number } | undefined {
  if (text === undefined) return undefined;
  const parts = SHARE.exec(String(text))?.[1];
  const count = Number(parts ?? Number.NaN);
  if (count >= 1 && count <= MOST_PARTS) return { parts: count, turn: Math.floor(Date.now() / MS_PER_DAY) };
  throw usageError(
    `option --deep expects a share from 1/1 to 1/${MOST_PARTS}, found ${shownValue(String(text))}`,
  );
}

function comparing(plan: RunPlan, deep: ReturnType<typeof share>, repair: boolean): RunPlan {
  const { setup, channel } = plan;
  const logs = setup.from ? [] : [syncLogPath(setup.layout.configdirectory, channel)];
  const options = { ...setup.options, verify: { after: false, deep, repair, logs } };
  return { ...plan, setup: { ...setup, options } };
}
