import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { startCommand } from '../../../lab/start-command.ts';

const ENTRY = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'cyrus-sync.cjs');

async function run(...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const started = startCommand([process.execPath, ENTRY, ...args]);
  const code = await started.end;
  return { code, stdout: started.stdout(), stderr: started.stderr() };
}

test('without a verb, and with one that there is not, one line says which there are', async () => {
  for (const args of [[], ['verfy'], ['__proto__'], ['-C', '/etc/imapd.conf']]) {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr.split('\n')[0] ?? '', /^cyrus-sync: /);
  }
  assert.match((await run('verfy')).stderr, /expected one of the verbs verify.*found "verfy"/);
});

test('each verb has a help of its own, and the command one of its verbs', async () => {
  const help = await run('--help');
  assert.equal(help.code, 0);
  const verbs = [...help.stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name = '']) => name);
  assert.ok(verbs.includes('verify'));
  for (const verb of verbs) {
    const { code, stdout } = await run(verb, '--help');
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Usage: cyrus-sync ${verb} `));
  }
});

test('status --watch ends with its reader, and what cannot be printed does not end with 0', async () => {
  const through = async (script: string, ...args: string[]) => {
    const command = ['bash', '-o', 'pipefail', '-c', script, 'bash', process.execPath, ENTRY, ...args];
    const { end, stderr } = startCommand(command);
    return [await end, stderr()];
  };
  for (const json of [[], ['--json']])
    assert.deepEqual(await through('"$@" | head -n 1 > /dev/null', 'status', '--watch', ...json), [0, '']);
  for (const watch of [[], ['--watch']]) {
    const [code, stderr] = await through('exec "$@" > /dev/full', 'status', ...watch);
    assert.equal(code, 1);
    assert.match(
      String(stderr),
      /^cyrus-sync: standard output cannot be written: ENOSPC: .* look whether .*\n$/,
    );
  }
  const [code, stderr] = await through('exec "$@" > /dev/full', '--help');
  assert.equal(code, 1);
  assert.match(String(stderr), /^cyrus-sync: standard output cannot be written: ENOSPC: .*\n$/);
});

test('an option that a verb has not is one line and exit code 64', async () => {
  const { code, stderr } = await run('verify', '-A', '--rolling');
  assert.equal(code, 64);
  assert.match(stderr, /^cyrus-sync: unknown option '--rolling'/);
});

test('wrong input to a verb is one clear line and exit code 64', async () => {
  const wrong: [string[], RegExp][] = [
    [['verify'], /^cyrus-sync: expected -A for everybody, or -u or -m with names$/m],
    [['verify', '-A', '-u', 'anna'], /Mutually exclusive/],
    [['verify', '-A', '--deep=2/30'], /option --deep expects a share from 1\/1 to 1\/10000, found "2\/30"/],
    [['verify', '-A', '--deep=1/0'], /--deep expects/],
    [['verify', '-A', '--deep', '1/30'], /expected --deep=1\/30 in one word, found --deep 1\/30/],
    [['verify', '-A', '--repair=yes'], /^cyrus-sync: option --repair takes no value$/],
    [['check', '--probe=1'], /option --probe takes no value/],
    [
      ['status', '--nagios', '--warning', '20m'],
      /--warning to be no later than --critical, found 1200s and 900s/,
    ],
    [['verify', '-A', '-O'], /expected -O with --repair alone/],
    [['verify', '-A', '--workers', '0'], /--workers expects/],
    [['verify', '-A', '--shard', '5/4'], /--shard expects K\/N/],
    [['check', 'anna'], /too many arguments/],
    [['check', '-A'], /unknown option '-A'/],
    [['check', '--workers', 'many'], /--workers expects/],
    [['verify', '-m', '--include', 'a', 'user/a'], /expected --include with -A or -u alone/],
    [['plan', '-A', '--order', 'list'], /--order list with -u/],
    [['plan', '-A', '--max-duration', '1y'], /--max-duration expects a time/],
  ];
  for (const [args, says] of wrong) {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr.split('\n')[0] ?? '', says);
  }
});

test('sync_client refuses --verify where nobody would be compared', async () => {
  const entry = ENTRY.replace('cyrus-sync.cjs', 'sync_client.cjs');
  for (const args of [
    ['-R', '--verify'],
    ['-s', '--verify', 'anna'],
  ]) {
    const started = startCommand([process.execPath, entry, ...args]);
    assert.equal(await started.end, 64);
    assert.match(started.stderr(), /^sync_client: expected --verify with -A, -u or -m/);
  }
});
