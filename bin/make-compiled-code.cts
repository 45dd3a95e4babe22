/*
 * Compiles the programs of this installation and keeps the code beside them (load-program), for the Node that runs this. Whoever
 * installs the program, or another Node, may run it again; nothing but the time of a start depends on it. It is started by its
 * launcher, as the programs are: V8 takes code only under the flags that it was made with.
 */
const { readdirSync, renameSync, rmSync, writeFileSync }: typeof import('node:fs') = require('node:fs');
const { join }: typeof import('node:path') = require('node:path');
const { setFlagsFromString }: typeof import('node:v8') = require('node:v8');
const {
  compiled,
  readProgram,
}: {
  compiled(program: Program): InstanceType<typeof import('node:vm')['Script']>;
  readProgram(path: string): Program;
} = require('./load-program.cjs');

interface Program {
  readonly codeFile: string;
  readonly header: string | undefined;
}

const programs = join(__dirname, '..', 'src', 'bundled', 'programs');
for (const name of readdirSync(programs).filter((each) => each.endsWith('.cjs'))) {
  const program = readProgram(join(programs, name));
  rmSync(program.codeFile, { force: true });
  if (program.header === undefined) continue;
  // Every function, not only those that run at the start: which ones a run needs is not known here.
  setFlagsFromString('--no-lazy');
  const script = compiled(program);
  setFlagsFromString('--lazy');
  const unfinished = `${program.codeFile}.${process.pid}`;
  writeFileSync(
    unfinished,
    Buffer.concat([Buffer.from(program.header, 'latin1'), script.createCachedData()]),
  );
  renameSync(unfinished, program.codeFile);
}
