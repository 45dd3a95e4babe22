import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Command, CommandQueue } from '../../../src/protocol/link/command-queue.ts';
import { Framing } from '../../../src/protocol/link/framing.ts';
import { Traffic } from '../../../src/protocol/wire/traffic.ts';
import { Transport } from '../../../src/protocol/wire/transport.ts';
import { type ErrorCode, SyncError } from '../../../src/report/sync-error.ts';
import { rejectsWith } from '../../lab/errors.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';
import { gate } from './support/gate.ts';
import { socketPair } from './support/socket-pair.ts';

/** A queue on one end of a connection; the test is the server. */
async function withQueue(
  work: (queue: CommandQueue, far: Socket, transport: Transport) => Promise<void>,
  windowOctets = 100,
): Promise<void> {
  const { near, far, close } = await socketPair();
  const transport = new Transport(near);
  try {
    await work(
      new CommandQueue(transport, new Traffic(undefined), new Framing('csync'), windowOctets),
      far,
      transport,
    );
  } finally {
    close();
  }
}

const command = (changes: Partial<Command<string>> = {}): Command<string> => ({
  verb: 'APPLY',
  name: 'MESSAGE',
  args: 'x',
  result: () => 'done',
  ...changes,
});

const OK = 'OK success\r\n';

/** On virtual time; `answered` has the peer answer at its first argument, in milliseconds. */
function withTimedQueue(
  t: TestContext,
  work: (
    queue: CommandQueue,
    clock: { nowMs: number },
    answered: (atMs: number, answer: Promise<unknown>) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const clock = { nowMs: 0 };
  mockNowMs(t.mock, () => clock.nowMs);
  return withQueue(async (queue, far) => {
    await work(queue, clock, async (atMs, answer) => {
      clock.nowMs = atMs;
      far.write(OK);
      await answer;
    });
  });
}

test('the backlog is what is to be stored and not answered, by what it took so far', async (t) => {
  await withTimedQueue(t, async (queue, clock, answered) => {
    assert.deepEqual(
      [queue.backlogMs, queue.servedMs, queue.wayMs],
      [undefined, 0, Number.POSITIVE_INFINITY],
    );
    const look = queue.submit(command({ verb: 'GET', name: 'USER' }));
    assert.equal(queue.backlogMs, undefined);
    await answered(10, look);
    assert.deepEqual([queue.wayMs, queue.servedMs, queue.backlogMs], [10, 0, undefined]);

    const stores = Array.from({ length: 4 }, () => queue.submit(command({ stores: 8 })));
    clock.nowMs = 15;
    assert.equal(queue.backlogMs, undefined, 'none of it has reached the replica yet');
    // Submitted at 10, and an eighth more than the way: it is at work since 21.25.
    clock.nowMs = 31.25;
    assert.equal(queue.backlogMs, 4 * 10, 'four of which the first has taken ten so far');
    assert.equal(queue.storeMs, undefined, 'nothing is answered');
    await answered(41.25, stores[0] ?? look);
    assert.equal(queue.storeMs, 20 / 8);
    assert.deepEqual([queue.servedMs, queue.backlogMs], [20, 3 * 20]);
    clock.nowMs = 51.25;
    assert.equal(queue.backlogMs, (3 * (20 + 10)) / 2);
    await answered(81.25, stores[1] ?? look);
    assert.deepEqual([queue.servedMs, queue.backlogMs], [60, (2 * 60) / 2]);
    await answered(81.25, stores[2] ?? look);
    await answered(81.25, stores[3] ?? look);
    assert.deepEqual([queue.servedMs, queue.backlogMs], [60, 0]);
    const later = queue.submit(command());
    clock.nowMs = 200;
    assert.equal(queue.backlogMs, 0, 'what stores nothing is no backlog');
    await answered(200, later);
  });
});

test('what the replica took for the first few messages and mailboxes says nothing of the next', async (t) => {
  await withTimedQueue(t, async (queue, clock, answered) => {
    await answered(10, queue.submit(command({ verb: 'GET', name: 'USER' })));
    const first = queue.submit(command({ stores: 1 }));
    const second = queue.submit(command({ stores: 7 }));
    clock.nowMs = 60;
    assert.equal(queue.backlogMs, undefined);
    await answered(100, first);
    assert.deepEqual([queue.backlogMs, queue.storeMs], [undefined, undefined]);
    clock.nowMs = 110;
    assert.equal(queue.backlogMs, (7 * (78.75 + 10)) / 8);
    await answered(121.25, second);
    assert.deepEqual([queue.backlogMs, queue.storeMs], [0, 100 / 8]);
  });
});

test('octets are in flight from the moment at which they are submitted, as many as are known or were written', async () => {
  await withQueue(async (queue, far) => {
    // "APPLY x" CRLF is nine octets.
    const first = queue.submit(command());
    assert.equal(queue.octetsAnswered, 0);
    far.write(OK);
    await first;
    assert.equal(queue.octetsAnswered, 9);
    const announced = queue.submit(command({ octets: 99 }));
    far.write(OK);
    await announced;
    assert.equal(queue.octetsAnswered, 9 + 99);
    const pieces = queue.submit(command({ args: () => ['ab', 'cd', 'ef'] }));
    far.write(OK);
    await pieces;
    assert.equal(queue.octetsAnswered, 9 + 99 + 14);
    assert.equal(queue.traffic.answers, 3);
    assert.equal(queue.traffic.sentOctets, 9 + 9 + 14);
    assert.equal(queue.traffic.receivedOctets, 3 * OK.length);
  });
});

test('the octets that are answered are those that were sent, whatever the arguments are made of', async () => {
  async function* later(): AsyncGenerator<string> {
    yield 'ab';
    yield 'cd';
  }
  const kinds: Command<string>[] = [
    { verb: 'NOOP', name: 'NOOP', result: () => 'done' },
    command({ args: '' }),
    command({ args: () => [] }),
    command({ args: () => ['ab', 'cd'] }),
    command({ args: [Buffer.from('abc'), { hidden: 'secret' }] }),
    command({ args: later() }),
  ];
  for (const kind of kinds) {
    await withQueue(async (queue, far) => {
      const whole = once(far, 'data');
      const answer = queue.submit(kind);
      await whole;
      far.write(OK);
      await answer;
      assert.equal(queue.octetsAnswered, queue.traffic.sentOctets, String(kind.args));
    });
  }
});

test('the window is open below its limit, and who waits for it is let in by the answer that makes room', async (t) => {
  let now = 0;
  mockNowMs(t.mock, () => now);
  await withQueue(async (queue, far, transport) => {
    const first = queue.submit(command({ octets: 99 }));
    await queue.window();
    const second = queue.submit(command({ octets: 9 }));
    let open = 0;
    const waiting = [queue.window().then(() => open++), queue.window().then(() => open++)];
    now = 7;
    assert.equal(transport.waiting.total, 7, 'waiting for the window is waiting for the other end');
    assert.equal(open, 0);
    far.write(OK);
    await Promise.all([first, ...waiting]);
    now = 20;
    assert.equal(transport.waiting.total, 7);
    far.write(OK);
    await second;
  });
});

test('who waits for the window of a link that breaks is told, and so is who comes later', async () => {
  await withQueue(async (queue) => {
    const first = queue.submit(command({ octets: 1000 }));
    const waiting = queue.window();
    queue.destroy(new SyncError('CANCELLED', 'enough'));
    await rejectsWith(first, 'CANCELLED');
    await rejectsWith(waiting, 'CANCELLED');
    await rejectsWith(queue.window(), 'CANCELLED');
    await rejectsWith(queue.submit(command()), 'CANCELLED');
    assert.ok(queue.broken);
    assert.equal(queue.waitingFor, undefined);
    queue.destroy(new SyncError('LINK_BROKEN', 'later'));
    await rejectsWith(queue.window(), 'CANCELLED');
  });
});

test('nothing is written behind a command that goes alone before it is answered, whatever the answer', async () => {
  for (const [answer, isRefused] of [
    [OK, false],
    ['NO x\r\n', true],
  ] as const) {
    await withQueue(async (queue, far) => {
      const alone = queue.submit(command({ args: 'alone', alone: true }));
      const next = queue.submit(command({ args: 'next' }));
      const [seen] = await once(far, 'data');
      assert.equal(String(seen), 'APPLY alone\r\n');
      far.write(answer);
      if (isRefused) await rejectsWith(alone, 'IMAP_REMOTE_DENIED');
      else assert.equal(await alone, 'done');
      const [after] = await once(far, 'data');
      assert.equal(String(after), 'APPLY next\r\n');
      far.write(OK);
      await next;
    });
  }
});

test('order is kept over many thousand commands, with answers in between', async () => {
  await withQueue(async (queue, far) => {
    far.resume();
    const answered: number[] = [];
    const all: Promise<unknown>[] = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 200; i++) {
        const number = round * 200 + i;
        all.push(
          queue
            .submit(command({ result: () => String(number) }))
            .then((found) => answered.push(Number(found))),
        );
      }
      // Leaves 50 more unanswered each time.
      far.write(OK.repeat(150));
      await all[answered.length + 149];
    }
    far.write(OK.repeat(250));
    await Promise.all(all);
    assert.deepEqual(
      answered,
      Array.from({ length: 1000 }, (_, i) => i),
    );
  });
});

test('of a stream of pieces that is not wanted any more the end is told', async () => {
  let ended = 0;
  const entered = gate();
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) {
        entered.open();
        yield 'x'.repeat(1000);
        await nextTurn();
      }
    } finally {
      ended++;
    }
  }
  function* several(): Generator<string> {
    try {
      yield 'a';
      yield 'b';
    } finally {
      ended++;
    }
  }
  await withQueue(async (queue, far) => {
    far.resume();
    const first = queue.submit(command({ args: endless() }));
    const second = queue.submit(command({ args: several() }));
    await entered.promise;
    queue.destroy(new SyncError('CANCELLED', 'enough'));
    await rejectsWith(first, 'CANCELLED');
    await rejectsWith(second, 'CANCELLED');
    while (ended < 2) await nextTurn();
  });
});

test('an answer without its words is not taken for another', async () => {
  const answers: [string, ErrorCode][] = [
    ['\r\n', 'IMAP_PROTOCOL_ERROR'],
    ['OKAY x\r\n', 'IMAP_PROTOCOL_ERROR'],
    ['BYE shutting down\r\n', 'IMAP_BYE_LOGOUT'],
  ];
  for (const [answer, code] of answers) {
    await withQueue(async (queue, far) => {
      const first = queue.submit(command());
      far.write(answer);
      await rejectsWith(first, code);
      assert.ok(queue.broken);
    });
  }
});

test('a command that carries messages and is BAD takes the link with it, another does not', async () => {
  for (const carriesFiles of [true, false]) {
    await withQueue(async (queue, far) => {
      const first = queue.submit(command({ carriesFiles }));
      far.write('BAD IMAP_PROTOCOL_ERROR x\r\n');
      await assert.rejects(first);
      assert.equal(queue.broken, carriesFiles);
    });
  }
});

test('what a refusal stands for is the result, where a command says so', async () => {
  await withQueue(async (queue, far) => {
    const first = queue.submit(
      command({
        refused: (_, text) => (text === 'IMAP_MAILBOX_NONEXISTENT' ? { result: 'none' } : undefined),
      }),
    );
    far.write('NO IMAP_MAILBOX_NONEXISTENT\r\n');
    assert.equal(await first, 'none');
    const second = queue.submit(command({ refused: () => undefined }));
    far.write('NO IMAP_MAILBOX_LOCKED\r\n');
    await rejectsWith(second, 'IMAP_MAILBOX_LOCKED');
  });
});

test('BYE after the last command is the answer to it', async () => {
  await withQueue(async (queue, far) => {
    const last = queue.close({ verb: 'EXIT', name: 'EXIT', result: () => {} });
    far.write('* BYE logging out\r\nOK done\r\n');
    await Promise.allSettled([last]);
    await rejectsWith(queue.window(), 'LINK_BROKEN');
  });
  await withQueue(async (queue, far) => {
    const first = queue.submit(command());
    far.write('* BYE shutting down\r\n');
    await rejectsWith(first, 'IMAP_BYE_LOGOUT');
  });
});

test('COMPRESS goes alone, and a refusal of it leaves things as they are', async () => {
  await withQueue(async (queue, far) => {
    const refused = queue.compress(6);
    const next = queue.submit(command());
    assert.equal(String((await once(far, 'data'))[0]), 'COMPRESS DEFLATE\r\n');
    far.write('NO not now\r\n');
    assert.equal(await refused, false);
    assert.equal(String((await once(far, 'data'))[0]), 'APPLY x\r\n');
    far.write(OK);
    await next;
  });
  await withQueue(async (queue, far) => {
    const accepted = queue.compress(6);
    await once(far, 'data');
    far.write('OK DEFLATE active\r\n');
    assert.equal(await accepted, true);
    const next = queue.submit(command());
    const [octets] = await once(far, 'data');
    assert.equal(String(inflateRawSync(octets, { finishFlush: constants.Z_SYNC_FLUSH })), 'APPLY x\r\n');
    far.write(deflateRawSync(OK, { finishFlush: constants.Z_SYNC_FLUSH }));
    await next;
  });
});

test('after the last command none is taken, and the connection is closed as soon as its turn has come', async () => {
  await withQueue(async (queue, far) => {
    const ended = once(far, 'end');
    far.resume();
    const first = queue.submit(command());
    const last = queue.close({ verb: 'EXIT', name: 'EXIT', result: () => {} });
    const late = await rejectsWith(queue.submit(command()), 'LINK_BROKEN', /closed by exit/);
    assert.equal(late.retryable, false);
    far.write(OK);
    await first;
    await ended;
    // The server has closed as well, which is what was asked for.
    far.end();
    await Promise.allSettled([last]);
  });
});
