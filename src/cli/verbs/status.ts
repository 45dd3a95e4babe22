import { Command } from 'commander';
import { usageError } from '../arguments.ts';
import { addOptions } from '../options.ts';
import type { Verb } from './verb.ts';

/** Says how the runs of this host stand. */
export const status: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('[NAME] [options]')
      .description('Says how every run of this host stands, or one of them with who is at work.')
      .argument('[name...]', 'a channel, or what this shows as the name of a run')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit')
      .addHelpText('after', '\nExit codes:\n  0 all answer   1 one does not, or has died   64 usage\n');
    addOptions(
      command,
      'How:',
      ['--watch', 'stay on the screen, until interrupted'],
      ['--json', 'print all that is known as JSON'],
    );
    return command;
  },
  checkArguments(_modes, operands) {
    if (operands.length > 1) throw usageError(`expected one name at most, found "${operands[1]}"`);
  },
  prepare({ operands }, own) {
    const [name] = operands;
    return async (environment, signal) => {
      const { carryOutStatus } = await import('../carry-out-status.ts');
      const how = { watch: own.watch === true, json: own.json === true };
      return await carryOutStatus(name, how, environment, signal);
    };
  },
};
