import assert from 'node:assert/strict';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { populate } from '../../lab/populate.ts';
import { startSyncClient } from '../../lab/sync-client.ts';
import { Control } from './control.ts';

test('who has failed for good is tried again by the order of the same run, whose report, list and exit code tell of the last end', async () => {
  await using pair = await startPair();
  const { master } = pair;
  const { users } = await populate(master, { users: 4 });
  const [held = '', broken = '', done = ''] = users;
  const at = (name: string): string => join(master.directory, name);
  const index = join((await master.runOk('mbpath', [`user/${broken}`])).stdout.trim(), 'cyrus.index');
  // The run goes on as long as somebody else has the lock of one user.
  await using lock = await lockUser(master, held, '127.0.0.1');
  const control = new Control(at('retry.sock'));
  chmodSync(index, 0o000);
  const copy = startSyncClient(master, [
    ...['-A', '--control', control.path, '--report', at('report.json'), '--failures', at('failures')],
  ]);
  // The shared mailboxes count as one.
  const all = users.length + 1;
  const ended = (count: number) =>
    control.until(`${count} done, one failed`, ({ users: each }) => each.done === count && each.failed === 1);
  const entry = () =>
    JSON.parse(readFileSync(at('report.json'), 'utf8')).users.filter(
      ({ user }: { user: string }) => user === broken,
    );
  await ended(all - 2);
  assert.match(await control.ask('users failed'), new RegExp(`^${broken} {2}failed`));
  assert.match(await control.ask('retry nobody'), /no such user is left to be replicated here$/);
  assert.match(await control.ask(`retry ${done}`), /no such user is left to be replicated here$/);

  assert.match(await control.ask(`retry ${broken}`), /: ok$/);
  await control.until('failed again', () => entry()[0]?.attempts > 1);
  await ended(all - 2);
  assert.deepEqual(
    entry().map(({ status }: { status: string }) => status),
    ['failed'],
  );

  chmodSync(index, 0o600);
  assert.match(await control.ask(`retry ${broken}`), /: ok$/);
  await control.until('all but the locked one are done', ({ users: each }) => each.done === all - 1);
  await lock.release();
  const { code, stderr } = await copy.result;
  assert.equal(code, 0, stderr);

  const [{ status, grade, error, attempts }, ...others] = entry();
  assert.deepEqual([status, grade, error, others.length], ['replicated', 'identical', null, 0]);
  assert.ok(attempts >= 3, String(attempts));
  const { users: entries, run } = JSON.parse(readFileSync(at('report.json'), 'utf8'));
  assert.equal(entries.length, all);
  assert.deepEqual([run.complete, run.users.failed, run.users.replicated], [true, 0, all]);
  assert.doesNotMatch(readFileSync(at('failures'), 'utf8'), /^[^#]/m);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});
