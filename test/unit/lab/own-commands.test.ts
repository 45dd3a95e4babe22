import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const EX_USAGE = 64;

/** The programs behind `npm run`, as they are once all is built. Those that only hand files to Node's test runner are left out. */
function commands(): { name: string; program: string; args: string[] }[] {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return Object.entries(scripts).flatMap(([name, script]) => {
    const found = /(?:^|&& )(node|bash) ((?:dist|test)\/\S+\.(?:js|sh))$/.exec(script);
    const [, program = '', file = ''] = found ?? [];
    if (file === '') return [];
    return [{ name, program: program === 'node' ? process.execPath : program, args: [file] }];
  });
}

/** Nothing can be built or installed by what is run: `npm` and `apt-get` only leave a trace. */
const folder = mkdtempSync(join(tmpdir(), 'own-commands-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const begun = join(folder, 'begun');
for (const name of ['npm', 'apt-get']) {
  writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} >> ${begun}\nexit 1\n`);
  chmodSync(join(folder, name), 0o755);
}

function run(program: string, args: readonly string[]) {
  writeFileSync(begun, '');
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${dirname(process.execPath)}:${process.env.PATH ?? ''}` },
  });
  assert.equal(readFileSync(begun, 'utf8'), '', `${program} ${args.join(' ')} has begun something`);
  return { status, stdout, stderr };
}

for (const { name, program, args } of commands()) {
  test(`npm run ${name} says how it is used, and begins nothing with an option that it does not know`, () => {
    const helped = run(program, [...args, '--help']);
    assert.equal(helped.status, 0, helped.stderr);
    assert.match(helped.stdout, /^usage: /i);
    const refused = run(program, [...args, '--mistyped']);
    assert.equal(refused.status, EX_USAGE, refused.stderr);
    assert.match(refused.stderr.split('\n')[0] ?? '', /--mistyped/);
    assert.equal(refused.stdout, '');
  });
}

const WRONG_VALUES: readonly (readonly [command: string, args: readonly string[], said: RegExp])[] = [
  ['fuzz', ['--runs', 'many'], /^--runs: expected a number/],
  ['fuzz', ['--guided', '--runs', '5'], /^--runs: not with --guided/],
  ['fuzz', ['--guided', '--minutes', 'x'], /^--minutes: expected minutes/],
  ['fuzz', ['--minutes', '5'], /^--minutes, --keep: only with --guided/],
  ['matrix', ['--only'], /--only <value>' argument missing/],
  ['matrix', ['--only', '3.6:3.9'], /^--only: expected MASTER:REPLICA, .*"3\.6:3\.9"/],
  ['matrix', ['3.6'], /3\.6/],
  ['test:node', ['next'], /^next: expected a version of Node/],
  ['test:node', ['22', '--version'], /^--version: expected a version of Node/],
  ['test:cyrus', ['--version'], /^--version: expected a version of Cyrus, found ""/],
  ['test:cyrus', ['--version', '3.9'], /^--version: expected a version of Cyrus, found "3\.9"/],
  ['test:cyrus', ['test/cyrus/run/none.test.ts'], /^test\/cyrus\/run\/none\.test\.ts: expected a file/],
  ['package:deb', ['/nowhere'], /expected a DIRECTORY that is there, found "\/nowhere"/],
  ['figures', ['/nowhere'], /expected a DIRECTORY with the sources/],
];
for (const [name, values, said] of WRONG_VALUES) {
  test(`npm run ${name} begins nothing with ${values.join(' ')}`, () => {
    const command = commands().find((each) => each.name === name);
    assert.ok(command !== undefined);
    const { status, stderr } = run(command.program, [...command.args, ...values]);
    assert.equal(status, EX_USAGE, stderr);
    assert.match(stderr, said);
  });
}
