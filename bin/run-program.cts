// Before all else: it keeps signals from ending the program, or from opening a debugger in it.
const { keepDebuggerClosed }: { keepDebuggerClosed(program: string): void } = require('./guard.cjs');
const { checkNode }: { checkNode(program: string): void } = require('./check-node.cjs');
const { watchStandardStreams }: { watchStandardStreams(): void } = require('./standard-streams.cjs');
const {
  answerVersion,
}: { answerVersion(argv: readonly string[]): boolean } = require('./answer-version.cjs');
const {
  exitWhenWritten,
}: { exitWhenWritten(program: string, code: number): Promise<void> } = require('./exit-when-written.cjs');

type Program = typeof import('../src/cli/main.ts') | typeof import('../src/cli/cyrus-sync.ts');

/** sysexits.h, as everything that is wrong with an installation. */
const EX_CONFIG = 78;

/**
 * Runs one of the bundled programs until its end. CommonJS, because loading an ES module starts libuv's threads. They read
 * from disks that have to be waited for: with the usual four, a store on a network file system would be read at a third of
 * the speed that it has. The program is one CommonJS file as well: some fifty ES modules take Node longer to load than a
 * small run lasts.
 */
function runProgram(name: string): void {
  watchStandardStreams();
  checkNode(name);
  const argv = process.argv.slice(2);
  if (answerVersion(argv)) {
    exitWhenWritten(name, 0);
    return;
  }
  process.env.UV_THREADPOOL_SIZE ??= '16';
  keepDebuggerClosed(name);
  load(name)
    .main(argv, process.env)
    .then((code) => exitWhenWritten(name, code));
}

function load(name: string): Program {
  try {
    const { readFileSync }: typeof import('node:fs') = require('node:fs');
    const { join }: typeof import('node:path') = require('node:path');
    const {
      loadProgram,
    }: { loadProgram(path: string, read: (file: string) => Buffer): Program } = require('./load-program.cjs');
    const { mapFile }: { mapFile(path: string): Buffer | undefined } = require('./map-file.cjs');
    return loadProgram(
      join(__dirname, `../src/bundled/programs/${name}.cjs`),
      (file) => mapFile(file) ?? readFileSync(file),
    );
  } catch (caught) {
    const { message } = caught as Error;
    process.stderr.write(
      `${name}: the program cannot be loaded: ${message} (install it again, where this user can read it)\n`,
    );
    process.exit(EX_CONFIG);
  }
}

module.exports = { runProgram };
