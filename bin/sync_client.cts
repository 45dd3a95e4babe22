#!/usr/bin/env node
/*
 * CommonJS, because loading an ES module starts libuv's threads. They read from disks that have to be waited for: with
 * the usual four, a store on a network file system would be read at a third of the speed that it has.
 */
const { keepDebuggerClosed }: { keepDebuggerClosed(program: string): void } = require('./guard.cjs');
const {
  answerVersion,
}: { answerVersion(argv: readonly string[]): boolean } = require('./answer-version.cjs');

/** sysexits.h, as everything that is wrong with an installation. */
const EX_CONFIG = 78;

if (!answerVersion(process.argv.slice(2))) {
  process.env.UV_THREADPOOL_SIZE ??= '16';
  keepDebuggerClosed('sync_client');

  import('../src/cli/main.ts')
    .then(
      ({ main }) => main(process.argv.slice(2), process.env),
      (error: Error) => {
        process.stderr.write(
          `sync_client: the program cannot be loaded: ${error.message} (install it again, where this user can read it)\n`,
        );
        return EX_CONFIG;
      },
    )
    .then((code) => process.exit(code));
}
