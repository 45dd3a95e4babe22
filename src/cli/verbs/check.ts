import { Command } from 'commander';
import { shownValue } from '../../report/shown-value.ts';
import { usageError } from '../arguments/arguments.ts';
import { addOptions, OPTIONS } from '../arguments/options.ts';
import type { Verb } from './verb.ts';

/** Says what stands in the way of a run before there is one. */
export const check: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('[options]')
      .description('Looks over this server and its replica, and says what to do before a run.')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit')
      .addHelpText(
        'after',
        '\nExit codes:\n  0 no problem   1 a problem   64 usage   70, 78 configuration\n',
      );
    addOptions(
      command,
      'Where to and from:',
      OPTIONS.config,
      OPTIONS.server,
      ['-n, --channel <channel>', 'use the options CHANNEL_sync_... where they are set'],
      ['-p, --dest-partition <partition>', 'look for this partition of the replica alone'],
      OPTIONS.settings,
    );
    addOptions(
      command,
      'How:',
      OPTIONS.workers,
      ['--probe', 'make an empty mailbox on partitions that the replica shows none on, and remove it again'],
      ['--json', 'print the findings as JSON'],
    );
    return command;
  },
  checkArguments(_modes, operands) {
    if (operands.length > 0) throw usageError(`expected no names, found ${shownValue(operands[0])}`);
  },
  prepare(args, own) {
    return async (environment, signal) => {
      const { carryOutCheck } = await import('../carry-out/carry-out-check.ts');
      return await carryOutCheck(
        args,
        { probe: own.probe === true, json: own.json === true },
        environment,
        signal,
      );
    };
  },
};
