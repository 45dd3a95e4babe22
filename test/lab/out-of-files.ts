import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startCommand } from './start-command.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');
/** Few enough to be used up in a moment, and more than Node needs to start. */
const MOST_FILES = 64;

/**
 * Runs a program in a process that may open few files.
 *
 * @param body statements that may await: `load` imports a file of the sources by its path there, `takeAll` uses up all
 *   descriptors, `giveBack` closes them again, and `say` writes to stdout even without any
 */
export async function outOfFiles(
  body: string,
): Promise<{ end: number | string; said: string; stderr: string }> {
  const program = `
    const { closeSync, openSync, writeSync } = require('node:fs');
    const { setTimeout: pause } = require('node:timers/promises');
    const load = (path) => import(${JSON.stringify(`${pathToFileURL(SOURCES).href}/`)} + path);
    const taken = [];
    const takeAll = () => {
      try {
        for (;;) taken.push(openSync('/dev/null'));
      } catch {}
    };
    const giveBack = () => {
      for (const fd of taken.splice(0)) closeSync(fd);
    };
    const say = (text) => writeSync(1, text + '\\n');
    (async () => {${body}})();`;
  const limited = `ulimit -n ${MOST_FILES} && exec "$0" "$@"`;
  const run = startCommand(['bash', '--norc', '-c', limited, process.execPath, '-e', program]);
  return { end: await run.end, said: run.stdout(), stderr: run.stderr() };
}
