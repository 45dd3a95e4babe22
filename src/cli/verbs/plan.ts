import { Command } from 'commander';
import { PLANNING } from '../../report/program-words.ts';
import { addChoosing, addOptions, OPTIONS } from '../arguments/options.ts';
import { planOptions } from '../carry-out/plan-options.ts';
import type { Verb } from './verb.ts';

/** Says what a run would do, and does nothing of it. */
export const plan: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('{-A | -u | -m | -s} [options] [NAME...]')
      .description(
        'Says what sync_client would do with the same options, and changes nothing on either side.',
      )
      .argument('[names...]', 'users (-u, -s), mailboxes (-m), or one mailbox name prefix (-A)')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit');
    addOptions(
      command,
      'What to plan (one of):',
      OPTIONS.users,
      OPTIONS.mailboxes,
      ['-s, --sieve-mode', 'seen state, subscriptions and Sieve scripts of the users named'],
      OPTIONS.all,
    );
    addOptions(
      command,
      'Where to and from:',
      OPTIONS.config,
      OPTIONS.server,
      OPTIONS.from,
      ['-n, --channel <channel>', 'use the options CHANNEL_sync_... where they are set'],
      OPTIONS.inputFile,
      ['-p, --dest-partition <partition>', 'put mailboxes on this partition of the replica (-u, -m)'],
      OPTIONS.settings,
    );
    addChoosing(command);
    addOptions(
      command,
      'How:',
      OPTIONS.workers,
      OPTIONS.skipLocked,
      OPTIONS.connectOnce,
      OPTIONS.requireCompression,
      ['-O, --no-copyback', 'never change the master; make the replica follow'],
      ['-L, --local-only', 'no mupdate traffic on the replica'],
    );
    addOptions(
      command,
      'What to say:',
      OPTIONS.verbose,
      OPTIONS.progress,
      OPTIONS.noProgress,
      OPTIONS.logToStderr,
      OPTIONS.rate,
      OPTIONS.messageRate,
      OPTIONS.rateFrom,
      ['--json', 'print the plan as JSON'],
    );
    return command;
  },
  prepare(args, own) {
    const options = planOptions({ ...own, json: own.json === true });
    return async (environment, signal) => {
      const [{ planRun }, { becomeCyrusUser }, { checkProgramReadable }, { carryOutPlan }] =
        await Promise.all([
          import('../run-plan/plan-run.ts'),
          import('../run-plan/become-cyrus-user.ts'),
          import('../start/check-program-readable.ts'),
          import('../carry-out/carry-out-plan.ts'),
        ]);
      const runPlan = planRun(args, environment);
      becomeCyrusUser(runPlan.identity);
      checkProgramReadable(runPlan.identity.user);
      return await carryOutPlan(runPlan, options, signal, PLANNING);
    };
  },
};
