import assert from 'node:assert/strict';
import test from 'node:test';
import { scriptLink } from '../../../src/coordinator/pool/script-link.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { fakeSession } from '../../lab/fake-session.ts';

function link(): { log: string[]; opened: ReplicaSession[]; scripts: ReturnType<typeof scriptLink> } {
  const log: string[] = [];
  const opened: ReplicaSession[] = [];
  const scripts = scriptLink(async () => {
    const session = fakeSession(log);
    opened.push(session);
    return session;
  });
  return { log, opened, scripts };
}

test('another session is opened instead of one that does not fit, and used from then on', async () => {
  const { log, opened, scripts } = link();
  const unfit = await scripts.connect();
  const session = await scripts.connect(async (each) => each !== unfit);
  assert.notEqual(session, unfit);
  assert.equal(await scripts.connect(), session);
  assert.equal(opened.length, 2);
  // Another job may be at work on it.
  assert.deepEqual(log, []);
  await scripts.close();
  assert.deepEqual(log, ['exit', 'exit']);
});

test('two jobs that find one session unfit open one other', async () => {
  const { opened, scripts } = link();
  const fits = async (each: ReplicaSession) => each !== opened[0];
  const [first, second] = await Promise.all([scripts.connect(fits), scripts.connect(fits)]);
  assert.equal(first, second);
  assert.equal(opened.length, 2);
});

test('sessions that did not fit count only as long as they last', async () => {
  const { opened, scripts } = link();
  for (let unfit = 50; unfit <= 200; unfit += 50) {
    const session = await scripts.connect(async () => opened.length > unfit);
    assert.equal(session, opened[unfit]);
    for (const each of opened) each.destroy();
  }
});

for (const end of ['cut', 'close'] as const) {
  test(`nobody waits for a session that is being made after ${end}, and it is closed when it is there`, async () => {
    let connected = (): void => {};
    const session = fakeSession([]);
    const scripts = scriptLink(async () => {
      await new Promise<void>((resolve) => {
        connected = resolve;
      });
      return session;
    });
    const waiting = rejectsWith(scripts.connect(), 'CANCELLED');
    const ended = scripts[end](new SyncError('CANCELLED', 'the run is being stopped'));
    await waiting;
    connected();
    await ended;
    await new Promise(setImmediate);
    assert.equal(session.broken, true);
    await rejectsWith(scripts.connect(), 'CANCELLED');
  });
}

test('a replica none of whose processes fits is given up, by a refusal that says what to do', async () => {
  const { opened, scripts } = link();
  const error = await rejectsWith(
    scripts.connect(async () => false),
    'REPLICA_BUSY',
  );
  assert.equal(error.family, 'refused');
  assert.match(error.hint ?? '', /restart imapd there, or replicate over csync/);
  assert.ok(opened.length < 100);
});
