import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft } from '../../lab/assert-same-mail.ts';
import { ADMIN, startPair } from '../../lab/cyrus-server.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

test('a name that is used again has on the replica no quota of who had it before', async () => {
  await using pair = await startPair({});
  const admin = await pair.master.imap();
  const replica = await pair.replica.imap();
  const create = async (): Promise<void> => {
    await admin.ok('CREATE user/anna');
    await admin.ok(`SETACL user/anna ${ADMIN} lrswipkxtecda`);
    await admin.ok('CREATE user/anna/Work');
  };
  await create();
  await admin.ok('SETQUOTA user/anna (STORAGE 1000)');
  await admin.ok('SETQUOTA user/anna/Work (STORAGE 10)');
  await syncClientOk(pair.master, ['-u', 'anna']);
  const quotas = () =>
    Promise.all(['user/anna', 'user/anna/Work'].map((root) => replica.command(`GETQUOTA ${root}`)));
  assert.deepEqual(
    (await quotas()).map(({ status }) => status),
    ['OK', 'OK'],
  );
  await admin.ok('DELETE user/anna');
  await create();
  await syncClientOk(pair.master, ['-u', 'anna']);
  assert.deepEqual(
    (await quotas()).map(({ status }) => status),
    ['NO', 'NO'],
  );
  await assertNothingLeft(pair);
});
