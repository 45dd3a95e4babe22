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
  evaluated,
  readProgram,
}: {
  compiled(program: Program): Script;
  evaluated(script: Script, path: string): typeof import('../src/cli/main.ts');
  readProgram(path: string): Program;
} = require('./load-program.cjs');

interface Program {
  readonly path: string;
  readonly codeFile: string;
  readonly header: string | undefined;
}

type Script = InstanceType<typeof import('node:vm')['Script']>;

/** It is started by hooks and from cron, for one user each time. */
const TRAINED = 'sync_client.cjs';

/** Code that is being written, by the number of the process. */
const UNFINISHED = /\.code\.\d+$/;

async function makeCompiledCode(): Promise<void> {
  const programs = join(__dirname, '..', 'src', 'bundled', 'programs');
  const names = readdirSync(programs);
  // Whoever was killed as it wrote has left them.
  for (const name of names.filter((each) => UNFINISHED.test(each))) rmSync(join(programs, name));
  for (const name of names.filter((each) => each.endsWith('.cjs'))) {
    const program = readProgram(join(programs, name));
    rmSync(program.codeFile, { force: true });
    if (program.header === undefined) continue;
    const code = (name === TRAINED && (await codeOfSmallRuns(program))) || allCode(program);
    keep(program.codeFile, Buffer.concat([Buffer.from(program.header, 'latin1'), code]));
  }
}

/** It is there whole, or not at all: a disk may be full. */
function keep(file: string, content: Buffer): void {
  const unfinished = `${file}.${process.pid}`;
  try {
    writeFileSync(unfinished, content);
    renameSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Every function, not only those that run at the start. */
function allCode(program: Program): Buffer {
  // What a run that came to no good end has left of it is not enough.
  setFlagsFromString('--no-compilation-cache');
  setFlagsFromString('--no-lazy');
  const script = compiled(program);
  setFlagsFromString('--lazy');
  setFlagsFromString('--compilation-cache');
  return script.createCachedData();
}

/**
 * Those functions that a small run calls: V8 takes longer to make the others of the code, twice as many, than a larger run to
 * compile what it needs of them.
 *
 * @returns undefined where it cannot be found out, as where nobody may listen on loopback
 */
async function codeOfSmallRuns(program: Program): Promise<Buffer | undefined> {
  try {
    const script = compiled(program);
    const { runInTraining } = await import('./training/run-in-training.ts');
    await runInTraining(evaluated(script, program.path).main);
    return script.createCachedData();
  } catch (caught) {
    process.stderr.write(`make-compiled-code: all of ${TRAINED} is compiled, as ${reasonOf(caught)}\n`);
    return undefined;
  }
}

function reasonOf(caught: unknown): string {
  return caught instanceof Error ? caught.message : String(caught);
}

makeCompiledCode().then(
  () => process.exit(),
  (caught: unknown) => {
    process.stderr.write(`make-compiled-code: ${reasonOf(caught)}\n`);
    process.exit(1);
  },
);
