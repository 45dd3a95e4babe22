import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { cyrusSync } from '../../lab/cyrus-sync.ts';
import { append } from '../../lab/populate.ts';
import { syncClient, syncClientOk } from '../../lab/sync-client.ts';

const USERS = ['anna', 'bert', 'bob', 'carl', 'dora', 'emil'];
let pair: Pair;

before(async () => {
  pair = await startPair();
  await using admin = await pair.master.imap();
  for (const mailbox of [...USERS.map((user) => `user/${user}`), 'news', 'news/old']) {
    await admin.ok(`CREATE ${mailbox}`);
    await admin.ok(`SETACL ${mailbox} admin lrswipkxtecda`);
    await append(admin, mailbox, 1, mailbox, 'somebody');
  }
});

after(async () => {
  await pair?.stop();
});

function file(name: string): string {
  return join(pair.master.directory, name);
}

/** Those that a run reported, users first. */
async function reported(
  ...args: string[]
): Promise<{ names: string[]; code: number | null; stderr: string }> {
  const report = file('report.json');
  const { code, stderr } = await syncClient(pair.master, [...args, '--report', report]);
  const { users } = JSON.parse(readFileSync(report, 'utf8')) as {
    users: { user: string | null; mailboxes: string[] | null; status: string }[];
  };
  const names = users.flatMap(({ user, mailboxes }) => (user === null ? (mailboxes ?? []) : [user]));
  return { names, code, stderr };
}

test('a plan, a dry run and a comparison are of those whom a run would take', async () => {
  writeFileSync(file('leave'), '\ufeff# who has left\r\n\r\nb?b\r\nnews/*\r\n');
  writeFileSync(file('users'), '\ufeffemil\r\n# not yet\r\n\r\n dora \r\nanna');
  const all = ['-A', '--include', '*[br]*', '--include', 'news*', '--exclude-from', file('leave')];
  const listed = ['-u', '-f', file('users'), '--exclude', 'a*', '--order', 'list'];
  for (const [args, expected] of [
    [all, ['bert', 'carl', 'dora', 'news']],
    [listed, ['dora', 'emil']],
  ] as const) {
    const report = file('report.json');
    const compared = await cyrusSync(pair.master, 'verify', [...args, '--report', report]);
    assert.deepEqual(namesIn(readFileSync(report, 'utf8')).sort(), expected, compared.stderr);
    const planned = await cyrusSync(pair.master, 'plan', [...args, '--json']);
    assert.deepEqual(
      namesIn(planned.stdout).sort(),
      expected.map((name) => (name === 'news' ? '' : name)).sort(),
    );
    const dry = await syncClient(pair.master, [...args, '--dry-run']);
    for (const name of expected) {
      assert.match(dry.stdout, new RegExp(`^${name === 'news' ? 'shared mailboxes' : name}: `, 'm'));
    }
    for (const name of USERS.filter((user) => !expected.some((each) => each === user))) {
      assert.doesNotMatch(dry.stdout, new RegExp(`^${name}: `, 'm'));
    }
  }
  const part = await cyrusSync(pair.master, 'plan', ['-A', '--json', '--shard', '2/2']);
  const other = await cyrusSync(pair.master, 'plan', ['-A', '--json', '--shard', '1/2']);
  assert.deepEqual([...namesIn(part.stdout), ...namesIn(other.stdout)].sort(), ['', ...USERS]);
});

test('globs and lists choose among users and shared mailboxes', async () => {
  writeFileSync(file('leave'), '\ufeff# who has left\r\n\r\nb?b\r\nnews/*\r\n');
  const some = await reported(
    '-A',
    '--include',
    '*b*',
    '--include',
    'news*',
    '--exclude-from',
    file('leave'),
  );
  assert.deepEqual([some.names.sort(), some.code, some.stderr], [['bert', 'news'], 0, '']);
  const named = await reported('-u', ...USERS, '--exclude', '[a-c]*', '--order', 'name');
  assert.deepEqual(named.names, ['dora', 'emil']);
  const nobody = await reported('-A', '--include', 'nobody@*');
  assert.deepEqual([nobody.names, nobody.code], [[], 0]);
  assert.match(nobody.stderr, /--include, --exclude and --shard leave nobody/);
});

function namesIn(json: string): string[] {
  const { users } = JSON.parse(json) as { users: { user: string | null; mailboxes?: string[] | null }[] };
  return users.flatMap(({ user, mailboxes }) => (user === null ? (mailboxes ?? ['']) : [user]));
}

test('the parts of several processes make up the whole', async () => {
  const parts = await Promise.all(
    ['1/3', '2/3', '3/3'].map(async (shard) => {
      const list = file(`report-${shard.at(0)}.csv`);
      await syncClientOk(pair.master, ['-A', '--shard', shard, '--report', list]);
      return readFileSync(list, 'utf8')
        .split('\r\n')
        .filter((line) => line.startsWith('user,'))
        .map((line) => line.split(',')[1]);
    }),
  );
  assert.deepEqual(parts.flat().sort(), ['', ...USERS]);
  await assertNothingLeft(pair);
});

test('after the given number of failures the run ends, and a rerun goes on', async () => {
  await using admin = await pair.master.imap();
  const headers: (() => void)[] = [];
  for (const user of ['anna', 'bert']) {
    await append(admin, `user/${user}`, 1, 'more', user);
    const path = join((await pair.master.runOk('mbpath', [`user/${user}`])).stdout.trim(), 'cyrus.header');
    const octets = readFileSync(path);
    headers.push(() => writeFileSync(path, octets));
    writeFileSync(path, 'damaged');
  }
  const run = await reported('-u', '--order', 'list', '--workers', '1', '--max-errors', '1', ...USERS);
  assert.equal(run.code, 1, run.stderr);
  assert.deepEqual(run.names.sort(), USERS);
  assert.match(run.stderr, /MAILBOX_DAMAGED|anna/);
  for (const mend of headers) mend();
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
});

test('what is wrong with an option is one line, and nothing is begun', async () => {
  for (const [args, code, line] of [
    [['--include', '[a'], 64, /^sync_client: --include: expected a pattern/],
    [['--shard', '3/2'], 64, /^sync_client: option --shard expects K\/N/],
    [
      ['--exclude-from', file('missing')],
      1,
      /^sync_client: .*missing: expected a readable list of names for --exclude-from/,
    ],
    [['--max-duration', 'soon'], 64, /^sync_client: option --max-duration expects a time/],
    [
      ['--report', '/nonexistent/report.json'],
      64,
      /^sync_client: --report: expected a file that can be written/,
    ],
  ] as const) {
    const run = await syncClient(pair.master, ['-A', ...args]);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, line);
    for (const verb of args[0] === '--report' ? [] : ['verify', 'plan']) {
      const { code: own, stderr } = await cyrusSync(pair.master, verb, ['-A', ...args]);
      assert.equal(own, code, stderr);
      assert.match(stderr.replace('cyrus-sync', 'sync_client'), line);
    }
  }
  rmSync(file('leave'));
});
