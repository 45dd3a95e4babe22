import assert from 'node:assert/strict';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import type { Socket } from 'node:net';
import test from 'node:test';
import zlib, {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  deflateRawSync,
  type InflateRaw,
} from 'node:zlib';
import fc from 'fast-check';
import { type Consumer, Transport } from '../../../src/protocol/wire/transport.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { mockNowMs } from '../../lab/mock-now-ms.ts';
import { socketPair } from './support/socket-pair.ts';

/** Remembers what it is told. */
class Listener implements Consumer {
  received = '';
  ends: (string | undefined)[] = [];
  #wake = (): void => {};
  octets(chunk: Buffer): void {
    this.received += chunk.toString('latin1');
    this.#wake();
  }
  closed(reason: SyncError | undefined): void {
    this.ends.push(reason?.code);
    this.#wake();
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

async function withTransport(
  work: (ends: { transport: Transport; listener: Listener; near: Socket; far: Socket }) => Promise<void>,
): Promise<void> {
  const { near, far, close } = await socketPair();
  const transport = new Transport(near);
  const listener = new Listener();
  transport.setConsumer(listener);
  try {
    await work({ transport, listener, near, far });
  } finally {
    close();
  }
}

/** All that the other end sends until it has no more. */
async function allOf(far: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of far) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const pieces = fc.array(
  fc.tuple(fc.constantFrom(1, 100, 16_383, 16_384, 16_385, 32_768, 65_535, 65_536, 65_537), fc.boolean()),
  { maxLength: 12 },
);

test('octets leave in the order in which they were written, texts and buffers of any size, compressed or not', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), fc.boolean(), async (sizes, isCompressed, isPatient) => {
      await withTransport(async ({ transport, far }) => {
        const received = allOf(
          isCompressed ? far.pipe(createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })) : far,
        );
        if (isCompressed) transport.startCompression(1, Buffer.alloc(0));
        const written: Buffer[] = [];
        for (const [index, [size, isText]] of sizes.entries()) {
          const octets = Buffer.alloc(size, (index * 37 + 200) % 256);
          written.push(octets);
          transport.write(isText ? octets.toString('latin1') : octets);
          if (isPatient) await transport.drained();
        }
        transport.end();
        assert.ok((await received).equals(Buffer.concat(written)));
      });
    }),
    { numRuns: 60 },
  );
});

test('small writes of one turn are one write; what was gathered is not overwritten by what comes next', async () => {
  await withTransport(async ({ transport, near, far }) => {
    const sizes: number[] = [];
    const write = near.write.bind(near);
    near.write = ((chunk: Buffer) => {
      sizes.push(chunk.length);
      return write(chunk);
    }) as typeof near.write;
    for (let i = 0; i < 10; i++) transport.write('abc');
    assert.deepEqual(sizes, []);
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(sizes, [30]);
    transport.write('d'.repeat(60_000));
    transport.write('e'.repeat(10_000));
    assert.deepEqual(sizes, [30, 60_000], 'more than is gathered: the first of it leaves');
    const received = allOf(far);
    transport.end();
    assert.equal(String(await received), `${'abc'.repeat(10)}${'d'.repeat(60_000)}${'e'.repeat(10_000)}`);
  });
});

test('while the other end takes nothing it is full and the time counts; who waits goes on when it takes more', async (t) => {
  let now = 0;
  mockNowMs(t.mock, () => now);
  await withTransport(async ({ transport, far }) => {
    far.pause();
    assert.equal(transport.full, false);
    await transport.drained();
    while (!transport.full) transport.write(Buffer.alloc(1 << 20));
    now = 5;
    assert.equal(transport.waiting.total, 5);
    transport.write(Buffer.alloc(1 << 20));
    far.resume();
    await transport.drained();
    assert.equal(transport.full, false);
    now = 50;
    assert.equal(transport.waiting.total, 5);
  });
});

test('who waits for a link that breaks goes on, and what is written later is dropped', async () => {
  await withTransport(async ({ transport, listener, far }) => {
    far.pause();
    while (!transport.full) transport.write(Buffer.alloc(1 << 20));
    const waiting = transport.drained();
    transport.destroy(new SyncError('CANCELLED', 'enough'));
    await waiting;
    assert.deepEqual([transport.closed, transport.full, listener.ends], [true, false, ['CANCELLED']]);
    transport.write('late');
    transport.end();
    transport.destroy(new SyncError('LINK_BROKEN', 'later'));
    const late = new Listener();
    transport.setConsumer(late);
    assert.deepEqual([listener.ends, late.ends], [['CANCELLED'], ['CANCELLED']], 'each is told once');
  });
});

test('the end of the other side is told once, and nothing is heard after it', async () => {
  await withTransport(async ({ listener, far, transport }) => {
    far.end('last');
    await listener.until(() => listener.ends.length > 0);
    assert.deepEqual([listener.received, listener.ends, transport.closed], ['last', [undefined], true]);
  });
});

test('a reset is LINK_BROKEN', async () => {
  await withTransport(async ({ listener, far }) => {
    far.resetAndDestroy();
    await listener.until(() => listener.ends.length > 0);
    assert.deepEqual(listener.ends, ['LINK_BROKEN']);
  });
});

test('a reader that throws ends the link with what it threw', async () => {
  await withTransport(async ({ transport, far }) => {
    const ends: (string | undefined)[] = [];
    const told = new Promise<void>((resolve) =>
      transport.setConsumer({
        octets: () => {
          throw new SyncError('IMAP_PROTOCOL_ERROR', 'nonsense');
        },
        closed: (reason) => {
          ends.push(reason?.code);
          resolve();
        },
      }),
    );
    far.write('x');
    await told;
    assert.deepEqual(ends, ['IMAP_PROTOCOL_ERROR']);
    await once(far.resume(), 'close');
  });
});

test('octets behind the answer to COMPRESS are inflated before those that come later', async () => {
  await withTransport(async ({ transport, listener, far }) => {
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    const next = async (text: string): Promise<Buffer> => {
      deflate.write(text);
      const [chunk] = await once(deflate, 'data');
      return chunk;
    };
    transport.startCompression(1, await next('early '));
    far.write(await next('later'));
    await listener.until(() => listener.received.length >= 11);
    assert.equal(listener.received, 'early later');
    assert.ok(transport.receivedOctets > 0);
    far.write('\xff\xff not deflate');
    await listener.until(() => listener.ends.length > 0);
    assert.deepEqual(listener.ends, ['LINK_BROKEN']);
  });
});

test('of a compressed stream as many octets as there are may come behind the answer to COMPRESS', async () => {
  const stream = deflateRawSync('what the server says', { finishFlush: constants.Z_SYNC_FLUSH });
  for (let early = 0; early <= stream.length; early++) {
    await withTransport(async ({ transport, listener, far }) => {
      transport.startCompression(1, stream.subarray(0, early));
      far.write(stream.subarray(early));
      await listener.until(() => listener.received.length >= 20 || listener.ends.length > 0);
      assert.deepEqual([listener.received, listener.ends], ['what the server says', []], `${early} early`);
    });
  }
});

test('what compresses is freed with the connection, whoever ends it', async (t) => {
  const made: (DeflateRaw | InflateRaw)[] = [];
  for (const name of ['createDeflateRaw', 'createInflateRaw'] as const) {
    const make = zlib[name] as (options?: zlib.ZlibOptions) => DeflateRaw | InflateRaw;
    t.mock.method(zlib, name, (options?: zlib.ZlibOptions) => {
      const codec = make(options);
      made.push(codec);
      return codec;
    });
  }
  syncBuiltinESMExports();
  try {
    await withTransport(async ({ transport }) => {
      transport.startCompression(1, Buffer.alloc(0));
      transport.destroy(new SyncError('CANCELLED', 'enough'));
    });
    await withTransport(async ({ transport, listener, far }) => {
      transport.startCompression(1, Buffer.alloc(0));
      far.end();
      await listener.until(() => listener.ends.length > 0);
    });
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
  assert.deepEqual(
    made.map(({ destroyed }) => destroyed),
    [true, true, true, true],
  );
});

test('a socket that is handed over for TLS has none of our listeners, and one that is put in its place is heard', async () => {
  await withTransport(async ({ transport, listener, near, far }) => {
    transport.write('before');
    assert.equal(transport.detachSocket(), near);
    const [before] = await once(far, 'data');
    assert.equal(String(before), 'before', 'what was written leaves first');
    assert.deepEqual(
      ['data', 'error', 'drain'].map((event) => near.listenerCount(event)),
      [0, 0, 0],
    );
    const second = await socketPair();
    transport.replaceSocket(second.near);
    second.far.write('hello');
    await listener.until(() => listener.received !== '');
    assert.equal(listener.received, 'hello');
    assert.equal(transport.tlsUnique, undefined);
    transport.write('answer');
    const [answer] = await once(second.far, 'data');
    assert.equal(String(answer), 'answer');
    second.close();
  });
});
