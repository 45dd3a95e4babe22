import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { startCommand } from '../../../lab/start-command.ts';

const bin = join(import.meta.dirname, '..', '..', '..', '..', 'bin');

async function firstLine(command: string, ...args: string[]): Promise<[code: unknown, line: string]> {
  const started = startCommand([process.execPath, join(bin, command), ...args]);
  const code = await started.end;
  return [code, started.stderr().split('\n')[0] ?? ''];
}

test('a plan with options that make no sense is one line and exit code 64', async () => {
  const cases: [args: string[], said: RegExp][] = [
    [[], /expected -A for everybody, or -u or -m with names$/],
    [['-A', '--rate', 'fast'], /--rate expects octets a second, such as 500K or 20M, found "fast"/],
    [['-A', '--rate', '0'], /--rate expects/],
    [['-A', '--message-rate', '1.5'], /--message-rate expects messages a second, found "1.5"/],
    [['-A', '--report', 'x'], /unknown option '--report'/],
  ];
  for (const [args, said] of cases) {
    const [code, line] = await firstLine('cyrus-sync.cjs', 'plan', ...args);
    assert.equal(code, 64, args.join(' '));
    assert.match(line, said);
  }
});

test('a report that says nothing of a pace is refused, and one that cannot be read is an error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'plan-options-'));
  try {
    const file = join(directory, 'report.json');
    for (const text of ['', '[]', 'null', '{"run":{"seconds":0,"octets":1,"messages":1}}']) {
      writeFileSync(file, text);
      const [code, line] = await firstLine('cyrus-sync.cjs', 'plan', '-A', '--rate-from', file);
      assert.equal(code, 64, text);
      assert.match(line, /--rate-from: expected the report/);
    }
    const [code, line] = await firstLine(
      'cyrus-sync.cjs',
      'plan',
      '-A',
      '--rate-from',
      join(directory, 'none'),
    );
    assert.equal(code, 1);
    assert.match(line, /expected a report for --rate-from, but it cannot be read \(ENOENT\)/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('--dry-run goes with nothing that a run leaves behind', async () => {
  for (const args of [
    ['-A', '--failures', 'x'],
    ['-A', '--report', 'x.json'],
    ['-A', '--verify'],
    ['-R'],
    ['-1'],
  ]) {
    const [code, line] = await firstLine('sync_client.cjs', '--dry-run', ...args);
    assert.equal(code, 64, args.join(' '));
    assert.match(line, /^sync_client: expected no (--failures|--report|--verify|--dry-run) /);
  }
});

test('--dry-run refuses what holds, slows or steers a run, as it would heed none of it', async () => {
  const options = [
    ['--bwlimit', '10M'],
    ['--pause-file', '/tmp/pause'],
    ['--pause-url', 'http://127.0.0.1/'],
    ['--max-load', '8'],
    ['--control', '/tmp/x.sock'],
    ['-w', '5'],
  ];
  for (const [option = '', value = ''] of options) {
    const [code, line] = await firstLine('sync_client.cjs', '-A', '--dry-run', option, value);
    assert.equal(code, 64, option);
    assert.ok(line.startsWith(`sync_client: expected no ${option} with --dry-run, `), line);
  }
});
