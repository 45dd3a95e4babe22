import type { Command, CommanderError } from 'commander';
import { mayHoldPassword } from '../../report/shown-value.ts';

/**
 * Says what is wrong with a command line, in one line: commander's suggestions come on one of their own. A value that was given to
 * an option which takes none, or another, may be a password.
 */
export function commanderText(error: CommanderError, command: Command): string {
  const [, given] = /^error: unknown option '(--[^=']+)=/.exec(error.message) ?? [];
  if (given !== undefined && command.options.some(({ long }) => long === given)) {
    return `option ${given} takes no value`;
  }
  return error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/(option '-[^=']*)=[^']*'/, "$1'")
    .replace(/ argument '(.*)' is invalid/, (whole, value: string) =>
      mayHoldPassword(value) ? ' has an argument that is invalid' : whole,
    );
}
