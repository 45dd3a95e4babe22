const {
  nativePart,
}: { nativePart(): { libc: import('koffi').LibraryHandle } | undefined } = require('./native-part.cjs');
const {
  openedStreams,
}: { openedStreams(): ReadonlySet<'stdin' | 'stdout' | 'stderr'> } = require('./standard-streams.cjs');

/** The launcher gives Node these options (launch.sh). */
const OF_LAUNCHER = /^--(?:inspect-port|v8-pool-size)=/;

/**
 * Ends the process once whoever reads its output has all of it. Node writes to a pipe only as much as fits there and the rest
 * later, for which an exit leaves no time: a plan that goes to another program would end somewhere in its middle.
 */
async function exitWhenWritten(code: number): Promise<void> {
  const opened = openedStreams();
  for (const name of ['stdout', 'stderr'] as const) {
    if (opened.has(name)) await new Promise((resolve) => process[name].write('', resolve));
  }
  if (opened.size === 0) leaveAtOnce();
  process.exit(code);
}

/**
 * Node takes itself apart before it ends, for a thirtieth of the time that a small run takes, and sets back what it has made of its
 * streams. Where it has made none of them the kernel does all of that.
 */
function leaveAtOnce(): void {
  // Whatever else Node was asked for, such as a profile, it writes at its own end.
  if (!process.execArgv.every((option) => OF_LAUNCHER.test(option))) return;
  if (process.env.NODE_V8_COVERAGE !== undefined || process.env.NODE_OPTIONS !== undefined) return;
  process.on('exit', (code) => nativePart()?.libc.func('void _exit(int code)')(code));
}

module.exports = { exitWhenWritten };
