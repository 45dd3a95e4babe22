import assert from 'node:assert/strict';
import test from 'node:test';
import { KeptLink } from '../../../src/coordinator/pool/kept-link.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { fakeSession } from '../../lab/fake-session.ts';
import { setup } from '../../lab/pool-fakes.ts';

/* Contract: every connection that was told as open is told as ended once, by whatever it ends and whoever notices. */

const lost = new SyncError('LINK_BROKEN', 'the replica closed the connection', { family: 'link' }).toData();
const cut = new SyncError('CANCELLED', 'the run is being stopped');

/** @param slow each connection is made when `connected` is called */
function scene({ slow = false } = {}) {
  const told: string[] = [];
  const log: string[] = [];
  const sessions: ReplicaSession[] = [];
  const names: string[] = [];
  let connected = (): void => {};
  const link = new KeptLink({
    setup,
    emit: (event) => {
      if (event.kind === 'connection:open') names.push(event.connection);
      if (
        event.kind !== 'connection:open' &&
        event.kind !== 'connection:closed' &&
        event.kind !== 'connection:lost'
      )
        return;
      // Numbered from 1, in the order in which they were opened.
      const number = names.indexOf(event.connection ?? '') + 1;
      told.push(`${event.kind.slice('connection:'.length)} ${number}`);
    },
    connect: async () => {
      if (slow) {
        await new Promise<void>((resolve) => {
          connected = resolve;
        });
      }
      const session = fakeSession(log);
      sessions.push(session);
      return session;
    },
  });
  return { link, told, log, sessions, connected: () => connected() };
}

test('tasks that find the same connection broken lose it once', async () => {
  const { link, told } = scene();
  const one = await link.get();
  {
    using _first = link.use(one);
    using _second = link.use(one);
    link.lose(one, lost);
    await link.get();
    link.lose(one, lost);
  }
  assert.deepEqual(told, ['open 1', 'lost 1', 'open 2']);
});

test('a connection that breaks while it is lent is lost once, whoever notices first', async () => {
  const { link, told, sessions } = scene();
  {
    using _lent = await link.lend();
    using _lentToo = await link.lend();
    sessions[0]?.destroy();
  }
  assert.deepEqual(told, ['open 1', 'lost 1']);
});

test('a connection that the replica closed while it was idle is told as closed, by the watch or the next task', async () => {
  const { link, told, sessions } = scene();
  await link.get();
  sessions[0]?.destroy();
  assert.equal(link.dropIdleClosed(), true);
  assert.deepEqual(told, ['open 1', 'closed 1']);
  await link.get();
  sessions[1]?.destroy();
  await link.get();
  assert.deepEqual(told.slice(2), ['open 2', 'closed 2', 'open 3']);
});

test('a connection that is replaced because it broke is told by those who were at work on it', async () => {
  for (const notices of [true, false]) {
    const { link, told, sessions } = scene();
    const one = await link.get();
    {
      using _use = link.use(one);
      sessions[0]?.destroy();
      await link.get();
      assert.deepEqual(told, ['open 1', 'open 2']);
      if (notices) link.lose(one, lost);
    }
    assert.deepEqual(told.slice(2), [notices ? 'lost 1' : 'closed 1']);
  }
});

test('a renewed connection that broke without anybody noticing is told with its last task', async () => {
  const { link, told, log, sessions } = scene();
  {
    using _use = link.use(await link.get());
    link.renew();
    sessions[0]?.destroy();
  }
  assert.deepEqual(told, ['open 1', 'closed 1']);
  assert.deepEqual(log, ['destroy']);
});

test('after cancel a lost connection has an end, which is nobody’s news', async () => {
  const { link, told } = scene();
  const one = await link.get();
  link.cancel();
  link.lose(one, lost);
  await link.exit();
  assert.deepEqual(told, ['open 1', 'closed 1']);
});

test('a cut ends the connections that were renewed too, each once', async () => {
  const { link, told, sessions } = scene();
  const one = await link.get();
  using _use = link.use(one);
  link.renew();
  await link.get();
  link.cut(cut);
  assert.deepEqual(
    sessions.map(({ broken }) => broken),
    [true, true],
  );
  link.lose(one, lost);
  await link.exit();
  assert.deepEqual(told, ['open 1', 'open 2', 'closed 1', 'closed 2']);
});

for (const end of ['cut', 'exit'] as const) {
  test(`nobody waits for a connection that is being made after ${end}, and it is closed when it is there`, async () => {
    const { link, told, sessions, connected } = scene({ slow: true });
    const waiting = [link.get(), link.lend()];
    const failures = waiting.map((each) => rejectsWith(each, 'CANCELLED'));
    await (end === 'cut' ? link.cut(cut) : link.exit());
    await Promise.all(failures);
    connected();
    await new Promise(setImmediate);
    assert.deepEqual(
      sessions.map(({ broken }) => broken),
      [true],
    );
    assert.equal(link.connected, false);
    await rejectsWith(link.get(), 'CANCELLED');
    assert.deepEqual([sessions.length, told], [1, []]);
  });
}
