import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import test from 'node:test';
import { cycles } from './cycles.ts';
import { sourceFiles } from './source-files.ts';

/**
 * The rooms of design section 2 and who may import whom:
 *
 *     cli → coordinator, rolling → verify → replicate → protocol, store → native
 *
 * A room may also import what stands further down the arrow (cli builds the settings that protocol reads).
 */
const rooms: Record<string, readonly string[]> = {
  bin: ['cli', 'sandbox', 'report'],
  workers: ['coordinator', 'native'],
  cli: [
    'config',
    'plan',
    'preflight',
    'operate',
    'fleet',
    'coordinator',
    'rolling',
    'verify',
    'protocol',
    'store',
    'native',
  ],
  operate: ['coordinator/steering.ts', 'native/life-of-socket.ts'],
  fleet: ['native/ensure-lmdb-room.ts'],
  config: ['native'],
  coordinator: ['verify', 'replicate', 'protocol', 'store', 'native'],
  rolling: ['coordinator', 'replicate', 'store', 'native'],
  plan: ['replicate', 'protocol', 'store'],
  verify: ['replicate', 'protocol', 'store', 'rolling/log'],
  preflight: ['replicate', 'protocol', 'store', 'native'],
  replicate: ['protocol', 'store'],
  protocol: ['native'],
  store: ['native', 'protocol/replica-session.ts'],
  native: [],
  sandbox: ['protocol/dlist', 'native'],
  report: [],
};
/** Imported by all; they import nobody, except that they know of byte strings. */
const forAll: readonly string[] = ['report', 'byte-string.ts', 'grammar.ts', 'now-ms.ts'];

/**
 * Sub-rooms of a room, from the top: each may import those after it. Files of the room beside them are its doors and what
 * all of it shares.
 */
const subRooms: Record<string, readonly string[]> = {
  cli: ['verbs', 'carry-out', 'run-plan', 'start', 'arguments'],
  coordinator: ['run', 'pool'],
  protocol: ['connect', 'session', 'handshake', 'link', 'wire', 'sasl', 'dlist'],
  replicate: ['jobs', 'folders', 'merge', 'user-data', 'connection', 'compare', 'outcomes'],
  fleet: ['agent', 'state', 'planner', 'queue'],
  operate: ['control', 'page', 'metrics', 'hooks', 'progress', 'throttle', 'state'],
  report: ['document', 'sinks', 'words'],
  rolling: ['daemon', 'queue', 'log'],
  sandbox: ['commands', 'wire', 'storage'],
  store: ['remote', 'mailbox', 'user', 'mailbox-list', 'paths', 'cyrusdb', 'files'],
};

/** Files and sockets are for store and protocol; the engine sees interfaces. */
const systemModules = [
  'node:fs',
  'node:fs/promises',
  'node:net',
  'node:tls',
  'node:dns',
  'node:child_process',
];

const files = sourceFiles(['src', 'workers', 'bin']);

test('every import goes in the direction of the design', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const from = place(file.path);
    for (const target of file.localImports) {
      const to = place(target);
      if (!allowed(from, to)) wrong.push(`${file.path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every permission to import is used', () => {
  const unused = Object.entries(rooms).flatMap(([from, permitted]) => {
    const targets = files
      .filter(({ path }) => room(place(path)) === from)
      .flatMap((file) => file.localImports)
      .map(place);
    return permitted
      .filter((to) => !targets.some((target) => within(target, to)))
      .map((to) => `${from} → ${to}`);
  });
  assert.deepEqual(unused, []);
});

test('no file takes part in an import cycle, not even of types, in tests and benches neither', () => {
  const all = [...files, ...sourceFiles(['test', 'bench', 'packaging'])];
  const graph = new Map(all.map((file) => [file.path, file.localImports]));
  assert.deepEqual(cycles(graph), []);
});

test('within a room imports go down its sub-rooms', () => {
  const wrong = files.flatMap((file) =>
    file.localImports
      .filter((target) => !goesDown(place(file.path), place(target)))
      .map((target) => `${file.path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

test('other rooms enter the engine by its door', () => {
  const wrong = files
    .filter(({ path }) => !path.startsWith('src/replicate/'))
    .flatMap((file) =>
      file.localImports
        .filter((target) => target.startsWith('src/replicate/') && target !== 'src/replicate/engine.ts')
        .map((target) => `${file.path} imports ${target}`),
    );
  assert.deepEqual(wrong, []);
});

test('every folder of a room is one of its sub-rooms', () => {
  const unknown = new Set<string>();
  for (const { path } of files) {
    const [room = '', ...rest] = place(path).split('/');
    const known = subRooms[room];
    const [folder = ''] = rest;
    if (known && rest.length > 1 && !known.includes(folder)) unknown.add(`${room}/${folder}`);
  }
  assert.deepEqual([...unknown], []);
});

test('there are no utility drawers and no files of re-exports', () => {
  const drawers = files.filter(({ path }) => /(^|\/)(index|utils?|helpers?|common|misc)\.ts$/.test(path));
  assert.deepEqual(
    drawers.map(({ path }) => path),
    [],
  );
});

test('the engine touches no files and no sockets', () => {
  const wrong = files
    .filter(({ path }) => path.startsWith('src/replicate/'))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => systemModules.includes(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    );
  assert.deepEqual(wrong, []);
});

test('nothing but the report and the command itself writes to stdout or stderr', () => {
  const wrong = files.filter(
    ({ path, text }) =>
      !/^(src\/report|src\/cli|bin)\//.test(path) && /\bprocess\.std(out|err)\b|\bconsole\./.test(text),
  );
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});

test('files of store, logs and configuration are opened where a FIFO in their place is refused', () => {
  const elsewhere: Record<string, string> = {
    'src/store/files/while-file-locked.ts': 'for reading and writing, which never waits',
    'src/store/remote/record-spool.ts': 'made new, and for this process alone',
    'src/rolling/log/input-log.ts': 'a pipe is welcome',
    'src/rolling/log/log-files.ts': 'a directory, to be synced',
    'src/protocol/connect-target.ts': '/etc/services',
  };
  const wrong = files
    .filter(({ path }) => /^src\/(store|rolling|config|protocol)\//.test(path))
    .filter(({ text }) =>
      /\b(openSync|readFileSync|fs\.open)\(|\bcreateReadStream\((?!path, \{ fd\b)/.test(text),
    );
  assert.deepEqual(wrong.map(({ path }) => path).sort(), Object.keys(elsewhere).sort());
});

test('tests and benches share the lab, and nothing else with each other', () => {
  const shares = (from: string, to: string): boolean => {
    if (!/^(test|bench)\//.test(to) || to.startsWith('test/lab/')) return true;
    return folder(from) === folder(to) || (from.startsWith('bench/test/') && to.startsWith('bench/'));
  };
  const wrong = sourceFiles(['test', 'bench']).flatMap((file) =>
    file.localImports
      .filter((target) => !shares(file.path, target))
      .map((target) => `${file.path} imports ${target}`),
  );
  assert.deepEqual(wrong, []);
});

/** `bench`, `test/lab`, `test/unit/store`, `test/cyrus/run`. */
function folder(path: string): string {
  return /^(?:bench\/test|bench|test\/(?:unit|cyrus)\/[^/]+|test\/[^/]+)/.exec(path)?.[0] ?? path;
}

test('the test sees the imports that it judges', () => {
  const run = files.find(({ path }) => path === 'src/coordinator/run/run.ts');
  assert.ok(run?.localImports.includes('src/coordinator/run/schedule.ts'));
  assert.equal(allowed(place('src/store/a.ts'), place('src/cli/b.ts')), false);
  assert.equal(allowed(place('src/coordinator/a.ts'), place('src/config/b.ts')), false);
  assert.equal(allowed(place('src/sandbox/a.ts'), place('src/protocol/dlist/b.ts')), true);
  assert.equal(allowed(place('src/sandbox/a.ts'), place('src/protocol/sasl/b.ts')), false);
  assert.equal(allowed(place('src/report/a.ts'), place('src/store/b.ts')), false);
  assert.equal(goesDown('store/mailbox/a.ts', 'store/files/b.ts'), true);
  assert.equal(goesDown('store/files/a.ts', 'store/mailbox/b.ts'), false);
  assert.equal(goesDown('store/files/a.ts', 'store/master-store.ts'), true);
  assert.deepEqual(
    cycles(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b → c → b'],
  );
});

/** A path from its room on: `store/layout.ts`, `bin/sync_client.cts`, `byte-string.ts`. */
function place(path: string): string {
  return path.replace(/^src\//, '');
}

function room(at: string): string {
  return at.split('/')[0] ?? '';
}

function allowed(from: string, to: string): boolean {
  if (room(from) === room(to)) return true;
  const shared = forAll.find((name) => within(to, name));
  if (shared !== undefined)
    return forAll.every((name) => !within(from, name)) || within(to, 'byte-string.ts');
  return (rooms[room(from)] ?? []).some((name) => within(to, name));
}

function goesDown(from: string, to: string): boolean {
  const order = subRooms[room(from)];
  if (order === undefined || room(from) !== room(to)) return true;
  const [above, below] = [from, to].map((at) => order.indexOf(at.split('/')[1] ?? ''));
  return above === undefined || below === undefined || above < 0 || below < 0 || above <= below;
}

/** In the room or folder, or the file itself. */
function within(at: string, name: string): boolean {
  return (
    at === name ||
    at.startsWith(`${name}/`) ||
    (basename(at) === `${basename(name)}.ts` && dirname(at) === dirname(name))
  );
}
