import { Command } from 'commander';
import { DURATION_FORMS, parseDuration } from '../../config/values.ts';
import { shownValue } from '../../report/shown-value.ts';
import { usageError } from '../arguments/arguments.ts';
import { addOptions } from '../arguments/options.ts';
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
      [
        '--nagios',
        'one line and the exit code of a monitoring plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN',
      ],
      ['--warning <time>', 'with --nagios: the oldest change of a channel waits so long (default: 5m)'],
      ['--critical <time>', 'with --nagios: the same, worse (default: 15m)'],
    );
    return command;
  },
  checkArguments(_modes, operands) {
    if (operands.length > 1) throw usageError(`expected one name at most, found ${shownValue(operands[1])}`);
  },
  prepare({ operands }, own) {
    const [name] = operands;
    const thresholds = {
      warningSeconds: time('--warning', own.warning, '5m'),
      criticalSeconds: time('--critical', own.critical, '15m'),
    };
    if (own.nagios === true) {
      if (own.watch === true || own.json === true)
        throw usageError('expected --nagios without --watch and --json');
      const { warningSeconds, criticalSeconds } = thresholds;
      if (warningSeconds > criticalSeconds) {
        throw usageError(
          `expected --warning to be no later than --critical, found ${warningSeconds}s and ${criticalSeconds}s`,
        );
      }
      return async (environment) => {
        const { carryOutNagios } = await import('../carry-out/carry-out-nagios.ts');
        return await carryOutNagios(name, thresholds, environment);
      };
    }
    if (own.warning !== undefined || own.critical !== undefined)
      throw usageError('expected --warning and --critical with --nagios alone');
    return async (environment, signal) => {
      const { carryOutStatus } = await import('../carry-out/carry-out-status.ts');
      const how = { watch: own.watch === true, json: own.json === true };
      return await carryOutStatus(name, how, environment, signal);
    };
  },
};

/** @returns seconds @throws SyncError USAGE */
function time(option: string, given: unknown, preset: string): number {
  const seconds = parseDuration(String(given ?? preset));
  if (seconds !== undefined && seconds > 0) return seconds;
  throw usageError(`option ${option} expects ${DURATION_FORMS}, found ${shownValue(String(given))}`);
}
