/**
 * The first thing that every entry loads: Node opens a debugger on SIGUSR1 as long as nobody listens for that signal, and
 * ends on SIGUSR2. What SIGUSR1 is for is added where there is something to tell. The environment chooses no code of packages.
 */
for (const name of ['SIGUSR1', 'SIGUSR2'] as const) process.on(name, () => {});

const {
  dropVariables,
}: { dropVariables(environment: NodeJS.ProcessEnv): void } = require('./drop-variables.cjs');

dropVariables(process.env);

/** The launcher gives Node this option (launch.sh). */
const NOWHERE = '--inspect-port=240.0.0.1:9229';

/** Milliseconds from the start: a debugger that was asked for by a signal before may open some turns later, and again. */
const LOOKS = [20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/**
 * Closes a debugger that is open all the same, by `--inspect`, or by a signal that came before this: any local user may
 * run programs in it. Whoever is in it is thrown out. The launcher leaves none to be closed.
 */
function keepDebuggerClosed(program: string): void {
  // A Node that was built without one has none to close.
  if (!process.features.inspector || isNowhere()) return;
  const inspector: typeof import('node:inspector') = require('node:inspector');
  const look = (): void => {
    const address = inspector.url();
    if (address === undefined) return;
    inspector.close();
    process.stderr.write(
      `${program}: a debugger that any local user may use was open at ${address} (SIGUSR1 at the start, or --inspect), and is closed\n`,
    );
  };
  look();
  for (const milliseconds of LOOKS) setTimeout(look, milliseconds).unref();
}

/** The launcher has named a place for it that no host has. Loading what could tell where it is takes some of a start's time. */
function isNowhere(): boolean {
  const named = process.execArgv.filter((option) => /^--(?:inspect|debug)/.test(option));
  return named.length === 1 && named[0] === NOWHERE && process.env.NODE_OPTIONS === undefined;
}

module.exports = { keepDebuggerClosed };
