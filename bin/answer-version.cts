const { existsSync, readFileSync }: typeof import('node:fs') = require('node:fs');
const { dirname, join }: typeof import('node:path') = require('node:path');

/**
 * Answers a command line of nothing but `--version`, for which the program would be loaded in vain: most of the time that the
 * answer takes otherwise.
 *
 * @returns whether it was one
 */
function answerVersion([option, ...rest]: readonly string[]): boolean {
  if (option !== '--version' || rest.length > 0) return false;
  const { version }: { version: string } = JSON.parse(readFileSync(manifestAbove(__dirname), 'utf8'));
  process.stdout.write(`${version}\n`);
  return true;
}

/** It is one folder above an installed package's entries, and two above those of a build. */
function manifestAbove(folder: string): string {
  const manifest = join(folder, 'package.json');
  return existsSync(manifest) || dirname(folder) === folder ? manifest : manifestAbove(dirname(folder));
}

module.exports = { answerVersion };
