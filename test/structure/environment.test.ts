import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { TREACHEROUS_VARIABLES } from '../../src/cli/start/check-environment.ts';

/**
 * Contract: packages learn from the environment nothing that would load other code. Each variable that one of them asks for
 * is dropped before any is loaded (bin/drop-variables.cts), or is refused, or stands here with the reason why it may stay.
 */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const { dropVariables }: { dropVariables(environment: Record<string, string>): void } = createRequire(
  import.meta.url,
)('../../bin/drop-variables.cjs');

/** These have no part in what is loaded. */
const HARMLESS: Readonly<Record<string, readonly string[]>> = {
  // Colours of its help; the names of variables for options, of which we give it none.
  commander: ['NO_COLOR', 'FORCE_COLOR', 'CLICOLOR_FORCE', 'option.envVar'],
  // What is printed, and how.
  debug: ['DEBUG', 'key'],
  // Where the address of a queue is silent: the server, the login and where that is kept.
  pg: ["'PG' + key.toUpperCase()", 'envVar', 'PGSSLMODE', 'PGCONNECT_TIMEOUT', 'USERNAME', 'USER'],
  pgpass: ['PGPASSWORD', 'PGPASS_NO_DEESCAPE'],
  // How long a process is waited for, and what its own tests remove.
  bullmq: ['NODE_ENV', 'BULLMQ_TEST_PREFIX'],
};

/** Files of installers, builders and tests, which no run loads. */
const NOT_LOADED =
  /^(?:koffi\/cnoke\.cjs|node-gyp-build-optional-packages\/(?:bin|build-test)\.js|node-addon-api\/.*|pino\/benchmarks\/.*)$/;

const READ = /\bprocess\.env\.([A-Za-z_]\w*)|\bprocess\.env\[([^\]]*)\]/g;

interface Manifest {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

test('no variable of the environment tells a package what to load', () => {
  const refused = new Set(TREACHEROUS_VARIABLES);
  const asked = installed().flatMap((name) => variablesOf(name));
  const found = asked
    .filter(({ variable, name }) => !refused.has(variable) && HARMLESS[name]?.includes(variable) !== true)
    .filter(({ variable }) => !isDropped(variable))
    .map(({ name, file, variable }) => `${name}: ${variable} (${file})`);
  assert.deepEqual(found, []);
  for (const expected of ["varName + '_PREBUILD'", 'npm_config_arch', 'NAPI_RS_NATIVE_LIBRARY_PATH']) {
    assert.ok(
      asked.some(({ variable }) => variable === expected),
      `expected ${expected} to be seen, lest this test sees nothing`,
    );
  }
});

test('what a run and its programs have a use for stays in the environment', () => {
  const kept = { PATH: '/bin', LANG: 'C', CYRUS_USER: 'cyrus', CYRUS_SYNC_SETTINGS: '/x', TERM: 'vt100' };
  const environment = { ...kept };
  dropVariables(environment);
  assert.deepEqual(environment, kept);
});

/** An expression stands for what it may come to. */
function isDropped(variable: string): boolean {
  const name = variable === "varName + '_PREBUILD'" ? 'LMDB_PREBUILD' : variable;
  const environment = { [name]: 'x' };
  dropVariables(environment);
  return environment[name] === undefined;
}

/** Names of packages that may be loaded: those of `package.json` and what they bring along. */
function installed(): string[] {
  const names = new Set<string>();
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const needed = {
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    };
    for (const name of Object.keys(needed)) {
      if (names.has(name) || !isThere(name)) continue;
      names.add(name);
      waiting.push(join(root, 'node_modules', name));
    }
  }
  return [...names];
}

/** Those of another platform are not. */
function isThere(name: string): boolean {
  return readdirSync(join(root, 'node_modules', name, '..')).includes(name.replace(/^.*\//, ''));
}

function variablesOf(name: string): { name: string; file: string; variable: string }[] {
  const folder = join(root, 'node_modules', name);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.[cm]?js$/.test(file) && !/(?:^|\/)(?:tests?|node_modules)\//.test(file))
    .filter((file) => !NOT_LOADED.test(`${name}/${file}`))
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(READ)].map((match) => ({
        ...{ name, file },
        variable: match[1] ?? match[2] ?? '',
      })),
    );
}
