import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { runAs } from '../../lab/processes.ts';
import { ENTRY } from '../../lab/start-command.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** The launcher gives Node this option (bin/launch.sh). */
const NO_DEBUGGER = '--inspect-port=240.0.0.1:9229';

const PROGRAM = join(dirname(ENTRY), '..', 'src', 'bundled', 'programs', 'sync_client.cjs');

/** Loaded before the program: writes down what that requires, and where the functions of it end that are called. */
const WATCHER = `
  const Module = require('node:module');
  const { writeFileSync } = require('node:fs');
  const { Session } = require('node:inspector');
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const required = new Set();
  const load = Module._load;
  Module._load = function (request, ...rest) {
    required.add(request);
    return load.call(this, request, ...rest);
  };
  process.on('exit', () => {
    session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
      const run = result
        .filter(({ url }) => url.includes('/bundled/'))
        .flatMap(({ functions }) => functions)
        .filter(({ ranges }) => ranges[0].count > 0)
        .map(({ ranges }) => ranges[0].endOffset);
      const packages = Object.keys(require.cache)
        .map((file) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(file)?.[1])
        .filter((name) => name !== undefined);
      writeFileSync(process.env.LOADED, JSON.stringify({ required: [...required], ends: run, packages }));
    });
  });
`;

interface Loaded {
  required: string[];
  ends: number[];
  packages: string[];
}

/** The source files that octets of the program were made of; a file that is evaluated has a function of its own there. */
async function sourcesOf(offsets: readonly number[]): Promise<string[]> {
  const lineStarts = [0];
  const program = await readFile(PROGRAM, 'latin1');
  for (let end = program.indexOf('\n'); end >= 0; end = program.indexOf('\n', end + 1))
    lineStarts.push(end + 1);
  const map = new SourceMap(JSON.parse(await readFile(`${PROGRAM}.map`, 'utf8')));
  const found = offsets.map((offset) => {
    const line = lineStarts.findLastIndex((start) => start <= offset - 1);
    const entry = map.findEntry(line, offset - 1 - (lineStarts[line] ?? 0));
    return 'originalSource' in entry ? entry.originalSource.replace(/^(?:\.\.\/)*/, '') : '';
  });
  return [...new Set(found)].filter((source) => source.startsWith('src/'));
}

test('a run of one user for whom there is nothing to do loads what it needs, and no more', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 1 });
  await syncClientOk(pair.master, ['-A']);
  const { directory, configFile } = pair.master;
  const watcher = join(directory, 'watcher.cjs');
  await writeFile(watcher, WATCHER);
  giveToCyrus(directory);
  const command = [
    process.execPath,
    NO_DEBUGGER,
    '--require',
    watcher,
    ENTRY,
    '-C',
    configFile,
    '-u',
    users[0] ?? '',
  ];
  const env = { LOADED: join(directory, 'loaded.json') };
  const run = await runAs(command, { cwd: directory, env });
  assert.equal(run.code, 0, run.stderr);
  const { required, ends, packages } = JSON.parse(await readFile(env.LOADED, 'utf8')) as Loaded;
  const sources = await sourcesOf(ends);

  assert.deepEqual([...new Set(packages)].sort(), ['@koromix/koffi-linux-x64']);
  const builtIn = new Set(required.map((each) => each.replace(/^node:/, '')));
  // Each of them costs a start some milliseconds.
  const unneeded =
    'child_process crypto http https inspector readline sqlite tls worker_threads zlib/promises';
  for (const each of unneeded.split(' ')) {
    assert.equal(builtIn.has(each), false, each);
  }
  const rooms = new Set(sources.map((each) => each.split('/')[1]).filter((each) => !each?.endsWith('.ts')));
  assert.deepEqual(
    [...rooms].sort(),
    [
      'cli',
      'config',
      'coordinator',
      'native',
      'operate',
      'preflight',
      'protocol',
      'replicate',
      'report',
    ].concat(['rolling', 'store', 'verify']),
  );
  for (const part of [
    'operate/metrics',
    'operate/progress',
    'rolling/queue',
    'verify/repair',
    'fleet',
    'plan',
  ]) {
    const found = sources.filter((each) => each.startsWith(`src/${part}`));
    assert.deepEqual(found, []);
  }
});
