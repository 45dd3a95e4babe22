#!/usr/bin/env node
/*
 * CommonJS, because loading an ES module starts libuv's threads. They read from disks that have to be waited for: with
 * the usual four, a store on a network file system would be read at a third of the speed that it has. The program is one
 * CommonJS file as well: some fifty ES modules take Node longer to load than a small run lasts.
 */
const { keepDebuggerClosed }: { keepDebuggerClosed(program: string): void } = require('./guard.cjs');
const { exitWhenWritten }: { exitWhenWritten(code: number): void } = require('./exit-when-written.cjs');
const {
  answerVersion,
}: { answerVersion(argv: readonly string[]): boolean } = require('./answer-version.cjs');

type Program = typeof import('../src/cli/main.ts');

/** sysexits.h, as everything that is wrong with an installation. */
const EX_CONFIG = 78;

if (!answerVersion(process.argv.slice(2))) {
  process.env.UV_THREADPOOL_SIZE ??= '16';
  keepDebuggerClosed('sync_client');

  load()(process.argv.slice(2), process.env).then(exitWhenWritten);
}

function load(): Program['main'] {
  try {
    const { join }: typeof import('node:path') = require('node:path');
    const { loadProgram }: { loadProgram(path: string): Program } = require('./load-program.cjs');
    return loadProgram(join(__dirname, '../src/bundled/programs/sync_client.cjs')).main;
  } catch (caught) {
    const { message } = caught as Error;
    process.stderr.write(
      `sync_client: the program cannot be loaded: ${message} (install it again, where this user can read it)\n`,
    );
    process.exit(EX_CONFIG);
  }
}
