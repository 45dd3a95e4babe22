import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { type CyrusServer, giveToCyrus, PASSWORD, startPair } from '../../lab/cyrus-server.ts';
import { openStranger, type StrangerOptions } from '../../lab/open-stranger.ts';
import { populate } from '../../lab/populate.ts';
import { runProcess } from '../../lab/processes.ts';
import { UNKNOWN_HOST } from '../../lab/unknown-host.ts';

interface Case extends StrangerOptions {
  what: string;
  args: readonly string[];
  code: number;
  says: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'no such host',
    args: ['--from', UNKNOWN_HOST, '-A'],
    code: 1,
    says: /x{64}\.invalid cannot be read.*spelling of --from/,
  },
  {
    what: 'nobody listens',
    args: ['--from', '127.0.0.1:1', '-A'],
    code: 1,
    says: /127\.0\.0\.1:1 cannot be read.*ECONNREFUSED.*check --from/,
  },
  { what: 'no server', args: ['--from', '', '-A'], code: 64, says: /--from: expected host/ },
  {
    what: 'a wrong password',
    settings: { master_password: 'wrong' },
    args: ['-A'],
    code: 1,
    says: /authentication failure \(.*master_password/,
  },
  {
    what: 'no admin, imapd',
    settings: { master_user: 'plain' },
    args: ['-u', 'anna'],
    code: 1,
    says: /cannot be read.*master's admins/,
  },
  {
    what: 'no admin, csync',
    over: 'csync',
    settings: { master_user: 'plain' },
    args: ['-u', 'anna'],
    code: 1,
    says: /cannot be read.*master's admins/,
  },
  {
    what: 'everybody of a sync_server',
    over: 'csync',
    args: ['-A'],
    code: 78,
    says: /-A needs to know who is on the master.*port of the master's imapd/,
  },
  { what: 'rolling', args: ['-R'], code: 64, says: /expected no --from in rolling mode/ },
  {
    what: 'a configuration with a spool',
    imapd: { 'partition-default': '/nowhere' },
    args: ['-A'],
    code: 78,
    says: /imapd\.conf:\d+: expected no partition-default with --from/,
  },
  {
    what: 'the other separator',
    imapd: { unixhierarchysep: 'no' },
    args: ['-A'],
    code: 78,
    says: /puts \/ between .*unixhierarchysep: yes/,
  },
];

test('what cannot be a master is said in one line that names what to do, and nothing is begun', async (t) => {
  await using pair = await startPair({ master: { imapd: { failedloginpause: '0' } } });
  const { master, replica } = pair;
  await populate(master, { users: 1 });
  await addUser(master, 'plain');
  for (const { what, args, code, says, ...options } of CASES) {
    await t.test(what, async () => {
      await using stranger = await openStranger(master, replica, options);
      const result = await stranger.run(args);
      const [line = '', ...more] = result.stderr.trimEnd().split('\n');
      assert.match(line, says);
      if (code !== 64) assert.deepEqual(more, []);
      assert.equal(result.stdout, '');
      assert.equal(result.code, code);
    });
  }
  await t.test('not a Cyrus', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const address = other.address();
    assert.ok(address && typeof address === 'object');
    await using stranger = await openStranger(master, replica);
    const result = await stranger.run(['--from', `127.0.0.1:${address.port}`, '-A']);
    other.close();
    assert.match(
      result.stderr,
      /^sync_client: the master .* cannot be read: expected the banner of a Cyrus server.*\n$/,
    );
    assert.equal(result.code, 1);
  });
  await t.test('the replica was left alone', async () => {
    await using admin = await replica.imap();
    assert.deepEqual(await admin.ok('LIST "" "user/*"'), []);
  });
});

async function addUser(server: CyrusServer, userid: string): Promise<void> {
  const database = join(server.directory, 'sasldb2');
  const made = await runProcess(
    ['/usr/sbin/saslpasswd2', '-c', '-p', '-f', database, '-u', `${server.name}.test`, userid],
    { input: PASSWORD },
  );
  assert.equal(made.code, 0, made.stderr);
  giveToCyrus(database);
}
