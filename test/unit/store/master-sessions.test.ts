import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MasterSession } from '../../../src/protocol/replica-session.ts';
import { MasterSessions } from '../../../src/store/remote/master-sessions.ts';

class Fake {
  broken = false;
  exits = 0;
  readonly exit = async (): Promise<void> => {
    this.exits += 1;
  };
}

/** Sessions that are made one after the other, and questions that wait until they are answered. */
function scene(most: number) {
  const made: Fake[] = [];
  const sessions = new MasterSessions(async () => {
    const fake = new Fake();
    made.push(fake);
    return fake as unknown as MasterSession;
  }, most);
  const asked: { over: number; answer: () => void }[] = [];
  const ask = (): Promise<void> =>
    sessions.use(
      (session) =>
        new Promise<void>((answer) => {
          asked.push({ over: made.indexOf(session as unknown as Fake), answer: () => answer() });
        }),
    );
  return { sessions, made, asked, ask };
}

test('questions share a session until it has eight under way; then one more comes, and the one with less to do is asked', async () => {
  const { made, asked, ask } = scene(2);
  const under: Promise<void>[] = [];
  const more = async (count: number): Promise<void> => {
    for (let each = 0; each < count; each += 1) {
      under.push(ask());
      await nextTurn();
    }
  };
  await more(8);
  assert.equal(made.length, 1);
  await more(9);
  assert.equal(made.length, 2);
  // One more was not waited for.
  assert.deepEqual(
    asked.map(({ over }) => over),
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1],
  );
  for (const { answer } of asked.slice(0, 5)) answer();
  await nextTurn();
  await more(1);
  assert.equal(asked.at(-1)?.over, 0);
  for (const { answer } of asked) answer();
  await Promise.all(under);
});

test('a question on which a session broke is asked once more over a new one; another error is the answer', async () => {
  const { sessions, made } = scene(1);
  let times = 0;
  const answer = await sessions.use(async () => {
    times += 1;
    const [first] = made;
    if (times > 1 || !first) return 'answered';
    first.broken = true;
    throw new Error('broken');
  });
  assert.deepEqual([answer, times, made.length], ['answered', 2, 2]);
  await assert.rejects(
    sessions.use(async () => {
      times += 1;
      throw new Error('refused');
    }),
    /refused/,
  );
  assert.deepEqual([times, made.length], [3, 2]);
});

test('whoever closes takes leave of each, and of one that was on its way', async () => {
  const { sessions, made, asked, ask } = scene(2);
  const first = ask();
  await nextTurn();
  sessions.close();
  assert.equal(made[0]?.exits, 1);
  for (const { answer } of asked) answer();
  await first;
  const other = scene(1);
  const late = other.ask();
  other.sessions.close();
  await nextTurn();
  assert.ok((other.made[0]?.exits ?? 0) > 0);
  for (const { answer } of other.asked) answer();
  await late;
});

test('there are never more sessions than allowed, however much there is to ask', async () => {
  for (const most of [1, 2, 3]) {
    const { made, asked, ask } = scene(most);
    const under: Promise<void>[] = [];
    for (let each = 0; each < 10 * most + 20; each += 1) {
      under.push(ask());
      await nextTurn();
    }
    assert.equal(made.length, most);
    const each = made.map((_, index) => asked.filter(({ over }) => over === index).length);
    assert.ok(Math.max(...each) - Math.min(...each) <= 2, `so many over each: ${each.join(', ')}`);
    for (const { answer } of asked) answer();
    await Promise.all(under);
  }
});

test('questions that come while the first session is being opened share it, and a refusal is the answer to each', async () => {
  let connects = 0;
  let refuse: (error: Error) => void = () => assert.fail('nobody connects');
  const sessions = new MasterSessions(() => {
    connects += 1;
    return new Promise<MasterSession>((_, reject) => {
      refuse = reject;
    });
  }, 2);
  const answers = [1, 2, 3].map(() =>
    assert.rejects(
      sessions.use(async () => 'answered'),
      /no such host/,
    ),
  );
  await nextTurn();
  assert.equal(connects, 1);
  refuse(new Error('no such host'));
  await Promise.all(answers);
  const again = assert.rejects(
    sessions.use(async () => 'answered'),
    /still none/,
  );
  await nextTurn();
  assert.equal(connects, 2, 'the next question tries anew');
  refuse(new Error('still none'));
  await again;
});

test('one more session that cannot be had keeps no question back', async () => {
  const first = new Fake();
  let connects = 0;
  const sessions = new MasterSessions(async () => {
    connects += 1;
    if (connects > 1) throw new Error('too many sessions');
    return first as unknown as MasterSession;
  }, 2);
  const answers: (() => void)[] = [];
  const under: Promise<void>[] = [];
  for (let each = 0; each < 10; each += 1) {
    under.push(sessions.use(() => new Promise<void>((answer) => answers.push(answer))));
    await nextTurn();
  }
  assert.equal(answers.length, 10);
  for (const answer of answers) answer();
  await Promise.all(under);
  assert.ok(connects > 1);
});

test('a question on which a session broke is not asked again once all are closed', async () => {
  const { sessions, made } = scene(1);
  let times = 0;
  const asked = sessions.use(async () => {
    times += 1;
    const [first] = made;
    if (first) first.broken = true;
    sessions.close();
    throw new Error('broken');
  });
  await assert.rejects(asked, /broken/);
  assert.deepEqual([times, made.length], [1, 1]);
});
