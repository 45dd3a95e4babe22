const { readFileSync }: typeof import('node:fs') = require('node:fs');
const { createRequire }: typeof import('node:module') = require('node:module');
const { dirname }: typeof import('node:path') = require('node:path');
const { Script }: typeof import('node:vm') = require('node:vm');

/** The last line of a bundle has some of its own SHA-256, so that code of another is not taken for its. */
const STAMP = /\n\/\/ ([0-9a-f]{32})\n$/;
const STAMP_LENGTH = 37;

/** Octets: V8 wants the code behind it to be aligned. */
const HEADER_LENGTH = 128;

/** Parts of Node that a small run never uses, or late, and that take their time to load. What a class extends cannot be here. */
const LATER: ReadonlySet<string> = new Set([
  'node:child_process',
  'node:crypto',
  'node:timers/promises',
  'node:v8',
  'node:worker_threads',
]);

/** @returns all octets of a file */
type ReadFile = (file: string) => Buffer;

interface Program {
  readonly path: string;
  readonly read: ReadFile;
  /** ASCII, as esbuild makes it: a function of what Node gives to a module, as putting it into one here would copy all of it. */
  readonly source: string;
  readonly codeFile: string;
  /** Its compiled code has to begin with this; undefined if nothing tells the program from another. */
  readonly header: string | undefined;
}

/**
 * Runs a bundled program with the code that was compiled of it when it was installed (make-compiled-code), if that was done by
 * this very Node: compiling takes longer than most else at the start of a small run. V8 refuses code of another version, and of
 * other flags. It is kept beside the program and nowhere else: whoever may write it may write the program.
 *
 * @returns what the program exports
 */
function loadProgram(path: string, read: ReadFile): unknown {
  return evaluated(compiled(readProgram(path, read)), path);
}

/** @returns what the program exports */
function evaluated(script: InstanceType<typeof Script>, path: string): unknown {
  const loaded = { exports: {} };
  const run = script.runInThisContext();
  run.call(loaded.exports, loaded.exports, requireLater(createRequire(path)), loaded, path, dirname(path));
  return loaded.exports;
}

/** @returns a `require` whose answer for those is an object that loads them when something of theirs is asked for */
function requireLater(require: NodeJS.Require): (id: string) => unknown {
  return (id) =>
    LATER.has(id) ? new Proxy({}, { get: (_, name) => Reflect.get(require(id), name) }) : require(id);
}

function readProgram(path: string, read: ReadFile = readFileSync): Program {
  const source = read(path).toString('latin1');
  const stamp = STAMP.exec(source.slice(-STAMP_LENGTH))?.[1];
  // V8 itself refuses code of other flags.
  const header =
    stamp && `${process.version} ${process.arch} ${stamp}`.padEnd(HEADER_LENGTH - 1).concat('\n');
  return { path, read, source, codeFile: `${path}.code`, header };
}

/** @returns a script that evaluates to a function of what Node gives to a module; nothing in it may be imported, only required */
function compiled({ path, read, source, codeFile, header }: Program): InstanceType<typeof Script> {
  const cachedData = header === undefined ? undefined : readCode(codeFile, header, read);
  return new Script(source, {
    filename: path,
    ...(cachedData && { cachedData }),
  });
}

function readCode(file: string, header: string, read: ReadFile): Buffer | undefined {
  let content: Buffer;
  try {
    content = read(file);
  } catch {
    // None was made, or not for this user: the program is all that is needed.
    return undefined;
  }
  if (content.toString('latin1', 0, HEADER_LENGTH) !== header) return undefined;
  return content.subarray(HEADER_LENGTH);
}

module.exports = { compiled, evaluated, loadProgram, readProgram };
