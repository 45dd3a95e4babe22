const {
  nativePart,
}: { nativePart(): { libc: import('koffi').LibraryHandle } | undefined } = require('./native-part.cjs');
const {
  openedStreams,
  outputFault,
}: {
  openedStreams(): ReadonlySet<'stdin' | 'stdout' | 'stderr'>;
  outputFault(): NodeJS.ErrnoException | undefined;
} = require('./standard-streams.cjs');

const EXIT_OK = 0;
const EXIT_FAILED = 1;

/** The launcher gives Node these options (launch.sh). */
const OF_LAUNCHER = /^--(?:inspect-port|v8-pool-size)=/;

/**
 * Ends the process once whoever reads its output has all of it. Node writes to a pipe only as much as fits there and the rest
 * later, for which an exit leaves no time: a plan that goes to another program would end somewhere in its middle. What its disk
 * has no room for makes a failure of an end that would be none.
 */
async function exitWhenWritten(program: string, code: number): Promise<void> {
  await written('stdout');
  const fault = outputFault();
  if (fault !== undefined) {
    process.stderr.write(
      `${program}: standard output cannot be written: ${fault.message} (What was printed is not whole; look whether its disk is full)\n`,
    );
  }
  await written('stderr');
  if (openedStreams().size === 0) leaveAtOnce();
  process.exit(fault !== undefined && code === EXIT_OK ? EXIT_FAILED : code);
}

async function written(name: 'stdout' | 'stderr'): Promise<void> {
  if (openedStreams().has(name)) await new Promise((resolve) => process[name].write('', resolve));
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
