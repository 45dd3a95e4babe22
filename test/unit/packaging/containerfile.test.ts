import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

/* There is no engine in the tests: what can be told of the file without one. */

const PROJECT = join(import.meta.dirname, '..', '..', '..', '..');
const INSTRUCTIONS = ['FROM', 'ARG', 'RUN', 'WORKDIR', 'COPY', 'USER', 'ENTRYPOINT', 'CMD'];

const instructions = readFileSync(join(PROJECT, 'packaging/Containerfile'), 'utf8')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    return { name, rest };
  });
const all = (name: string): string[] =>
  instructions.filter((each) => each.name === name).map(({ rest }) => rest);

test('its instructions are ones that there are, and what they run are commands of a shell', () => {
  assert.deepEqual(
    instructions.filter(({ name }) => !INSTRUCTIONS.includes(name)),
    [],
  );
  for (const command of all('RUN')) {
    const { status, stderr } = spawnSync('sh', ['-n', '-c', command], { encoding: 'utf8' });
    assert.equal(status, 0, `${command}: ${stderr}`);
  }
});

test('it is built by scripts that the project has, and starts what the package installs', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(PROJECT, 'package.json'), 'utf8'),
  );
  const used = all('RUN').flatMap((command) =>
    [...command.matchAll(/npm run (\S+)/g)].map(([, name = '']) => name),
  );
  assert.deepEqual(
    used.filter((name) => scripts[name] === undefined),
    [],
  );
  assert.ok(used.includes('package:deb'));
  const [program = '']: string[] = JSON.parse(all('ENTRYPOINT')[0] ?? '[]');
  assert.ok(existsSync(join(PROJECT, program.replace('/usr/lib/cyrus-sync', 'dist'))), program);
});

test('what is installed was made by this very build, not brought along in the folder that it is built from', () => {
  const brought = all('WORKDIR')[0] ?? assert.fail('no folder to build in');
  for (const [, source = ''] of all('COPY').flatMap((each) => [...each.matchAll(/--from=\w+ (\S+)/g)])) {
    assert.ok(!source.startsWith(`${brought}/`), source);
  }
});

test('what is copied from another stage is from one that is there', () => {
  const stages = all('FROM').flatMap((each) => / AS (\w+)$/.exec(each)?.[1] ?? []);
  const from = all('COPY').flatMap((each) => /--from=(\w+)/.exec(each)?.[1] ?? []);
  assert.ok(from.length > 0);
  assert.deepEqual(
    from.filter((stage) => !stages.includes(stage)),
    [],
  );
});
