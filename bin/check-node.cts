/** sysexits.h, as everything that is wrong with an installation. */
const EX_CONFIG = 78;

/**
 * Tells what is wrong with a Node, whose missing parts would be taken for damage of what is read with them: `zlib.crc32` checks
 * each record of the master's databases. It came with 22.2, and to 20 with 20.15, of which the first that was tried out is 20.19.
 *
 * @param version such as 22.1.0
 * @returns undefined if it is new enough
 */
function nodeFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 2) || (major === 20 && minor >= 19)) return undefined;
  return `expected Node 20.19 or newer, but neither 21 nor 22 before 22.2, found ${version}`;
}

/** Ends a program that the Node cannot run. */
function checkNode(program: string): void {
  const fault = nodeFault(process.versions.node);
  if (fault === undefined) return;
  process.stderr.write(
    `${program}: ${fault} at ${process.execPath} (put another beside the command, or before it on the PATH)\n`,
  );
  process.exit(EX_CONFIG);
}

module.exports = { checkNode, nodeFault };
