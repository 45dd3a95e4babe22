import { Command } from 'commander';
import { CONTROL_HELP } from '../../operate/control/control-request.ts';
import { usageError } from '../arguments/arguments.ts';
import { addOptions } from '../arguments/options.ts';
import type { Verb } from './verb.ts';

const VERBS = CONTROL_HELP.map(([verb, what]) => `  ${verb.padEnd(38)}${what}`).join('\n');

/** Asks and steers a run that is under way. */
export const ctl: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('[NAME] VERB')
      .description('Asks and steers a run of this host, or a channel in rolling mode, while it lasts.')
      .argument('[words...]', 'which run, if there are more than one, and what to ask of it')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit')
      .addHelpText(
        'after',
        `\nVerbs:\n${VERBS}\n\nNAME is that of a channel, or what cyrus-sync status shows, or the path of a socket.\n` +
          '\nExit codes:\n  0 done   1 refused, or no such run   64 usage\n',
      );
    addOptions(command, 'How:', ['--json', 'print the answer as JSON']);
    return command;
  },
  checkArguments(_modes, operands) {
    if (operands.length === 0) throw usageError('expected a verb, such as status; --help shows them');
  },
  prepare({ operands }, own) {
    return async (environment) => {
      const { carryOutCtl } = await import('../carry-out/carry-out-ctl.ts');
      return await carryOutCtl(operands, own.json === true, environment);
    };
  },
};
