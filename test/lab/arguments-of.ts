import { type ParseArgsConfig, parseArgs } from 'node:util';

/** sysexits.h */
const EX_USAGE = 64;

/**
 * Reads the command line of one of the project's own commands. What it does not know, and `--help`, it answers with how the
 * command is used, and ends the process.
 *
 * @param usage a line or more
 */
export function argumentsOf<Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  if (process.argv.slice(2).some((each) => each === '--help' || each === '-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (caught) {
    // Whoever wrote the options below wrote them right: only the command line can be wrong.
    console.error(`${(caught as Error).message}\n${usage}`);
    process.exit(EX_USAGE);
  }
}
