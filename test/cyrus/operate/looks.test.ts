import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { freePorts } from '../../lab/free-ports.ts';
import { lockUser } from '../../lab/lock-user.ts';
import { populate } from '../../lab/populate.ts';
import { startSyncClient } from '../../lab/sync-client.ts';
import { until } from '../../lab/until.ts';
import { Control } from './control.ts';

const LOOKS = 10_000;
const AT_ONCE = 50;

test('ten thousand looks at metrics and status while a copy is at work disturb nothing', async () => {
  await using pair = await startPair();
  const { users } = await populate(pair.master, { users: 8 });
  const [port = 0] = await freePorts(1);
  const control = new Control(join(pair.master.directory, 'looks.sock'));
  const agent = new Agent({ keepAlive: true });
  const look = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, agent }, (response) => resolve(text(response))).on(
        'error',
        reject,
      );
    });
  const ways = [
    ...[() => look('/metrics'), () => look('/status.json'), () => control.ask('json status')],
  ] as const;
  // It is there until the last look, whoever is faster.
  await using held = await lockUser(pair.master, users[0] ?? '', '127.0.0.1');
  const options = ['--metrics', String(port), '--control', control.path, '--bwlimit', '100K'];
  const copy = startSyncClient(pair.master, ['-A', ...options]);
  await until('somebody is at work', async () => {
    try {
      return (await control.view()).messages > 0;
    } catch {
      return false;
    }
  });
  const states = new Set<string>();
  for (let looks = 0; looks < LOOKS; looks += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => ways[index % 3]?.()));
    for (const answer of answers) {
      const [, state] = /"word":"([a-z-]+)"|cyrus_sync_up/.exec(answer ?? '') ?? assert.fail(answer);
      if (state) states.add(state);
    }
  }
  assert.ok(states.has('copying'), [...states].join());
  await control.until('one is left', ({ users: { left } }) => left === 1);
  await held.release();
  assert.equal((await copy.result).code, 0);
  agent.destroy();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
});
