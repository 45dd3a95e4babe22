/**
 * Ends the process once whoever reads its output has all of it. Node writes to a pipe only as much as fits there and the rest
 * later, for which an exit leaves no time: a plan that goes to another program would end somewhere in its middle.
 */
function exitWhenWritten(code: number): void {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    stream.on('error', () => {
      // A reader that is gone misses nothing.
    });
  }
  stdout.write('', () => stderr.write('', () => process.exit(code)));
}

module.exports = { exitWhenWritten };
