import assert from 'node:assert/strict';
import fs, {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { chooseLocks, tryLock, unlock } from '../../../src/native/locks.ts';
import type { SyncEvent } from '../../../src/report/events.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { shutdownFile } from '../../../src/rolling/daemon/shutdown-file.ts';
import { skipUsers } from '../../../src/rolling/daemon/skip-users.ts';
import { JOIN_ROUNDS } from '../../../src/rolling/limits.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import { formatLogLine, type LogLine } from '../../../src/rolling/log/log-line.ts';
import { syncLogPath, type TakenLog } from '../../../src/rolling/log/sync-log.ts';
import { actionsOfLine } from '../../../src/rolling/queue/actions-of-line.ts';
import { Coalescer } from '../../../src/rolling/queue/coalescer.ts';
import { openBelow } from '../../lab/open-below.ts';
import { quiet } from '../../lab/virtual-clock.ts';
import { ownerOf } from './names.ts';

class Place {
  readonly directory = mkdtempSync(join(tmpdir(), 'sync-log-'));
  readonly file = syncLogPath(this.directory, undefined);
  readonly run = `${this.file}-run`;
  readonly events: SyncEvent[] = [];
  readonly log = new ChannelLog(this.file, (event) => this.events.push(event));
  /** The lines that were read, as text. */
  read: string[] = [];

  constructor() {
    mkdirSync(dirname(this.file), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  take(pending: LogLine[] = [], queue: () => void = () => {}): Promise<TakenLog | undefined> {
    this.read = [];
    return this.log.take(
      () => pending,
      (parsed) => this.read.push(parsed.kind === 'line' ? formatLogLine(parsed.line) : 'bad'),
      queue,
    );
  }
}

const alice: LogLine = { type: 'USER', userid: 'alice' };
const bob: LogLine = { type: 'USER', userid: 'bob' };
const carol: LogLine = { type: 'USER', userid: 'carol' };

test('the default log and the log of a channel are where Cyrus writes them', () => {
  assert.equal(syncLogPath('/var/lib/cyrus', undefined), '/var/lib/cyrus/sync/log');
  assert.equal(syncLogPath('/var/lib/cyrus', 'far'), '/var/lib/cyrus/sync/far/log');
});

test('the log is renamed to log-run, read, and unlinked only when all is done', async () => {
  using place = new Place();
  assert.equal(await place.take(), undefined);
  await appendToLog(place.file, [alice, bob]);
  const taken = await place.take();
  assert.equal(taken?.leftover, false);
  assert.deepEqual(place.read, ['USER alice\n', 'USER bob\n']);
  assert.ok(!existsSync(place.file) && existsSync(place.run));
  place.log.done();
  assert.ok(!existsSync(place.run));
});

test('a leftover log-run comes first, the log stays for the next pass', async () => {
  using place = new Place();
  writeFileSync(place.run, 'USER alice\n');
  await appendToLog(place.file, [bob]);
  assert.equal((await place.take())?.leftover, true);
  assert.deepEqual(place.read, ['USER alice\n']);
  assert.deepEqual(place.events, [{ kind: 'rolling:leftover', file: place.run }]);
  place.log.done();
  await place.take();
  assert.deepEqual(place.read, ['USER bob\n']);
});

for (const mechanism of ['fcntl', 'flock'] as const) {
  test(`a writer who holds the log by ${mechanism} over the rename is waited for, and its line is read`, async (context) => {
    chooseLocks(mechanism);
    context.after(() => chooseLocks('fcntl'));
    using place = new Place();
    await appendToLog(place.file, [alice]);
    const writer = openSync(place.file, constants.O_WRONLY | constants.O_APPEND);
    assert.ok(tryLock(writer, 'exclusive'));
    const taken = place.take();
    await quiet();
    assert.ok(existsSync(place.run), 'renamed under the hands of the writer');
    assert.deepEqual(place.read, []);
    writeSync(writer, 'USER bob\n');
    unlock(writer);
    closeSync(writer);
    await taken;
    assert.deepEqual(place.read, ['USER alice\n', 'USER bob\n']);
  });
}

test('while work is pending, new lines join it in log-run before the log is unlinked', async () => {
  using place = new Place();
  await appendToLog(place.file, [alice, bob]);
  await place.take();
  await appendToLog(place.file, [carol]);
  await place.take([bob]);
  assert.deepEqual(place.read, ['USER carol\n']);
  assert.equal(readFileSync(place.run, 'latin1'), 'USER bob\nUSER carol\n');
  assert.ok(!existsSync(place.file));
  assert.equal(await place.take([bob]), undefined, 'nothing new');
});

test('no log stays open, whatever was done with it', async () => {
  using place = new Place();
  const none = (after: string): void => assert.deepEqual(openBelow(place.directory), [], `after ${after}`);
  await appendToLog(place.file, [alice, bob]);
  none('a line was written');
  await place.take();
  none('it was taken');
  await appendToLog(place.file, [carol]);
  place.log.waiting();
  none('it was counted');
  await place.take([bob]);
  none('it was joined');
  writeFileSync(place.file, '');
  assert.equal(await place.take([bob]), undefined);
  none('it was found empty');
  rmSync(place.file);
  place.log.keep([bob]);
  none('what is left was kept');
  await new ChannelLog(place.file, () => {}).take(
    () => [],
    () => {},
    () => {},
  );
  none('a log-run was found');
  const broken = new ChannelLog(place.file, () => {});
  const fail = (): never => {
    throw new RangeError('mine');
  };
  await assert.rejects(broken.take(() => [], fail, fail));
  none('its reader failed');
  await assert.rejects(
    broken.take(
      () => [],
      () => {},
      fail,
    ),
  );
  none('what it read could not be queued');
  await place.take();
  await appendToLog(place.file, [carol]);
  const breakingOff = function* (): Generator<LogLine> {
    yield bob;
    throw new RangeError('mine');
  };
  await assert.rejects(
    place.log.take(
      breakingOff,
      () => {},
      () => {},
    ),
  );
  none('what is pending could not be written');
});

test('a writer who holds the log while it is joined is waited for; one who waits for it finds the new one', async () => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  await appendToLog(place.file, [bob]);
  const writer = openSync(place.file, constants.O_WRONLY | constants.O_APPEND);
  assert.ok(tryLock(writer, 'exclusive'));
  const taken = place.take([alice]);
  const other = appendToLog(place.file, [carol]);
  await quiet();
  writeSync(writer, 'USER dave\n');
  unlock(writer);
  closeSync(writer);
  await Promise.all([taken, other]);
  const all = () =>
    [place.run, place.file]
      .flatMap((file) => (existsSync(file) ? readFileSync(file, 'latin1').split('\n') : []))
      .filter(Boolean)
      .sort();
  assert.deepEqual(all(), ['USER alice', 'USER bob', 'USER carol', 'USER dave']);
});

test('no writer of Cyrus waits for a flush of this reader, nor of what it writes back, though the log grows meanwhile', async (context) => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  await appendToLog(place.file, [bob]);
  const free: boolean[] = [];
  const grown = Array.from({ length: JOIN_ROUNDS - 1 }, (_, i) => `USER u${i}\n`);
  await duringFlushes(
    context,
    (flush) => {
      free.push(!existsSync(place.file) || isFree(place.file));
      writeAtEnd(place.file, grown[flush]);
    },
    async () => {
      await place.take([alice]);
      await appendToLog(place.file, [carol]);
    },
  );
  assert.deepEqual(place.read, ['USER bob\n', ...grown]);
  assert.equal(readFileSync(place.run, 'latin1'), ['USER alice\n', 'USER bob\n', ...grown].join(''));
  assert.ok(free.length > JOIN_ROUNDS, `${free.length} flushes`);
  assert.ok(free.every(Boolean), `the log was locked during one of ${free.length} flushes`);
});

test('a log that grows whenever it is free is joined after some rounds, the rest of it flushed under its lock', async (context) => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  await appendToLog(place.file, [bob]);
  const free: boolean[] = [];
  const grown: string[] = [];
  await duringFlushes(
    context,
    (flush) => {
      const isWriter = existsSync(place.file) && flush < 2 * JOIN_ROUNDS;
      free.push(!isWriter || isFree(place.file));
      if (!isWriter || !free[flush]) return;
      grown.push(`USER u${flush}\n`);
      writeAtEnd(place.file, grown[flush]);
    },
    async () => {
      await place.take([alice]);
    },
  );
  assert.equal(grown.length, JOIN_ROUNDS);
  assert.equal(free.filter((each) => !each).length, 1, 'flushes under the lock');
  assert.deepEqual(place.read, ['USER bob\n', ...grown]);
  assert.equal(readFileSync(place.run, 'latin1'), ['USER alice\n', 'USER bob\n', ...grown].join(''));
});

test('what a second reader took while the log was copied stays its own, and the log that is new since then stays', async (context) => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  await appendToLog(place.file, [bob]);
  await duringFlushes(
    context,
    (flush) => {
      if (flush > 0) return;
      renameSync(place.file, place.run);
      writeFileSync(place.file, 'USER carol\n');
    },
    async () => assert.equal(await place.take([alice]), undefined),
  );
  assert.deepEqual(place.read, []);
  assert.equal(readFileSync(place.run, 'latin1'), 'USER bob\n');
  assert.equal(readFileSync(place.file, 'latin1'), 'USER carol\n');
  assert.ok(!existsSync(`${place.run}.new`));
});

/** @param during is called before each flush, with how many there were before it */
async function duringFlushes(
  context: TestContext,
  during: (flush: number) => void,
  work: () => Promise<void>,
): Promise<void> {
  const flush = fs.fsyncSync;
  let flushes = 0;
  context.mock.method(fs, 'fsyncSync', (fd: number) => {
    during(flushes++);
    flush(fd);
  });
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
}

/** A line of a writer, who has the lock only while nobody else wants it. */
function writeAtEnd(file: string, text = ''): void {
  if (text !== '') appendFileSync(file, text);
}

test('a log that another reader takes between two looks is not there, and one that cannot be taken is an error', async (context) => {
  using place = new Place();
  const rename = fs.renameSync;
  for (const denied of [false, true]) {
    await appendToLog(place.file, [alice]);
    context.mock.method(fs, 'renameSync', (from: string, to: string) => {
      if (denied)
        throw Object.assign(new Error('EACCES: permission denied'), {
          code: 'EACCES',
          errno: -13,
          syscall: 'rename',
        });
      rename(from, `${to}-of-another`);
      rename(from, to);
    });
    syncBuiltinESMExports();
    try {
      if (denied) await assert.rejects(place.take(), { code: 'IO' });
      else assert.equal(await place.take(), undefined);
    } finally {
      context.mock.restoreAll();
      syncBuiltinESMExports();
    }
  }
  assert.deepEqual(place.read, []);
});

test('log-run that somebody has removed is done, and one that cannot be removed is an error', async (context) => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  rmSync(place.run);
  place.log.done();
  await appendToLog(place.file, [bob]);
  await place.take();
  context.mock.method(fs, 'unlinkSync', () => {
    throw Object.assign(new Error('EPERM: operation not permitted'), {
      code: 'EPERM',
      errno: -1,
      syscall: 'unlink',
    });
  });
  syncBuiltinESMExports();
  try {
    assert.throws(() => place.log.done(), { code: 'IO' });
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

/** Flushes of files and directories, by their names, and changes of names, in order. */
async function ordersDuring(
  place: Place,
  context: TestContext,
  work: () => Promise<void>,
): Promise<string[]> {
  const orders: string[] = [];
  const short = (path: string): string => path.slice(place.directory.length + 1) || '.';
  const spy = <Name extends 'fsyncSync' | 'renameSync' | 'unlinkSync'>(
    name: Name,
    tell: (...args: never[]) => string,
  ) => {
    const real = fs[name] as (...args: unknown[]) => void;
    context.mock.method(fs, name, (...args: never[]) => {
      orders.push(tell(...args));
      real(...args);
    });
  };
  spy('fsyncSync', (fd: number) => `flush ${short(readlinkSync(`/proc/self/fd/${fd}`))}`);
  spy('renameSync', (from: string, to: string) => `${short(from)} -> ${short(to)}`);
  spy('unlinkSync', (path: string) => `remove ${short(path)}`);
  syncBuiltinESMExports();
  try {
    await work();
  } finally {
    context.mock.restoreAll();
    syncBuiltinESMExports();
  }
  return orders;
}

test('what takes the place of log-run is on the disk before it does, and the log goes last', async (context) => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  await appendToLog(place.file, [bob]);
  const orders = await ordersDuring(place, context, async () => {
    await place.take([alice]);
  });
  assert.deepEqual(orders, [
    'flush sync/log-run.new',
    'sync/log-run.new -> sync/log-run',
    'remove sync/log',
    'flush sync',
  ]);
});

test('what is left at the end is on the disk before it takes the place of log-run', async (context) => {
  using place = new Place();
  await appendToLog(place.file, [alice, bob]);
  await place.take();
  const orders = await ordersDuring(place, context, async () => place.log.keep([bob]));
  assert.deepEqual(orders, ['flush sync/log-run.new', 'sync/log-run.new -> sync/log-run', 'flush sync']);
});

test('lines that are handed back are on the disk when that is said', async (context) => {
  using place = new Place();
  assert.deepEqual(await ordersDuring(place, context, () => appendToLog(place.file, [alice])), [
    'flush sync/log',
  ]);
});

test('whatever number of lines is left, all of them are in log-run, and of a joined log nothing is a leftover', async () => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  assert.equal((await place.take())?.leftover, false);
  const many = Array.from({ length: 20_000 }, (_, i): LogLine => ({ type: 'USER', userid: `user${i}` }));
  await appendToLog(place.file, [bob]);
  assert.equal((await place.take(many))?.leftover, false);
  const expected = many.map(formatLogLine).join('');
  assert.equal(readFileSync(place.run, 'latin1'), `${expected}USER bob\n`);
  place.log.keep(many);
  assert.equal(readFileSync(place.run, 'latin1'), expected);
});

test('what goes wrong with a log may go better another time', async () => {
  using place = new Place();
  mkdirSync(place.run);
  writeFileSync(place.file, '');
  await assert.rejects(place.take(), { code: 'IO', retryable: true, phase: 'log' });
});

test('a log that is empty, as its writer has just made it, is left alone', async () => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  writeFileSync(place.file, '');
  assert.equal(await place.take([alice]), undefined);
  assert.ok(existsSync(place.file));
  assert.deepEqual(place.log.waiting(), { lines: 0, octets: 0, since: undefined });
});

function isFree(path: string): boolean {
  const fd = openSync(path, 'r+');
  try {
    return tryLock(fd, 'exclusive');
  } finally {
    closeSync(fd);
  }
}

test('many writers and a reader that takes all the time: every line is read', async () => {
  using place = new Place();
  const seen = new Set<string>();
  let writing = true;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let i = 0; i < 25; i++) await appendToLog(place.file, [{ type: 'USER', userid: `u${writer}-${i}` }]);
  });
  const reader = (async () => {
    while (writing || existsSync(place.file)) {
      await place.take([alice]);
      for (const line of place.read) seen.add(line);
      await quiet();
    }
  })();
  await Promise.all(writers);
  writing = false;
  await reader;
  seen.delete('USER alice\n');
  assert.equal(seen.size, 100);
});

for (const [when, files] of [
  ['before the rename', { log: 'USER bob\n', run: 'USER alice\n' }],
  ['with half of the new log-run written', { log: 'USER bob\n', run: 'USER alice\n', new: 'USER ali' }],
  [
    'between the new log-run and the unlinking of the log',
    { log: 'USER bob\n', run: 'USER alice\nUSER bob\n' },
  ],
] as const) {
  test(`killed while joining, ${when}: the next start reads everything`, async () => {
    using place = new Place();
    writeFileSync(place.file, files.log);
    writeFileSync(place.run, files.run);
    if ('new' in files) writeFileSync(`${place.run}.new`, files.new);
    const seen = new Set<string>();
    await place.take();
    for (const line of place.read) seen.add(line);
    await place.take([alice]);
    for (const line of place.read) seen.add(line);
    assert.deepEqual([...seen].sort(), ['USER alice\n', 'USER bob\n']);
  });
}

test('what is not done at the end is all that log-run says afterwards', async () => {
  using place = new Place();
  await appendToLog(place.file, [alice, bob]);
  await place.take();
  place.log.keep([bob]);
  assert.equal(readFileSync(place.run, 'latin1'), 'USER bob\n');
  assert.ok(!existsSync(`${place.run}.new`));
});

test('what could not be queued, of a log or of one that joins it, stays in log-run whatever is done then, and comes again', async () => {
  using place = new Place();
  const fail = (): never => {
    throw new RangeError('mine');
  };
  const leave = (): void => {
    place.log.keep([]);
    place.log.done();
  };
  const run = (): string => readFileSync(place.run, 'latin1');
  await appendToLog(place.file, [alice]);
  await assert.rejects(place.take([], fail), { code: 'BUG' });
  leave();
  assert.deepEqual([run(), place.log.waiting().lines], ['USER alice\n', 1]);
  await place.take();
  assert.deepEqual(place.read, ['USER alice\n']);
  await appendToLog(place.file, [bob]);
  await assert.rejects(place.take([alice], fail), { code: 'BUG' });
  leave();
  assert.equal(run(), 'USER alice\nUSER bob\n');
  let queued = false;
  await place.take([alice], () => {
    queued = true;
    assert.equal(place.read.length, 2, 'it is queued when all is read');
    leave();
  });
  assert.ok(queued && existsSync(place.run), 'and taken when it is queued');
  assert.deepEqual(place.events, []);
  place.log.done();
  assert.ok(!existsSync(place.run));
});

test('done and keep leave a log-run alone that was never read', () => {
  using place = new Place();
  writeFileSync(place.run, 'USER alice\n');
  place.log.done();
  place.log.keep([]);
  assert.equal(readFileSync(place.run, 'latin1'), 'USER alice\n');
});

test('a log-run that another client has made meanwhile is neither removed nor replaced before it was read', async () => {
  using place = new Place();
  const another = new ChannelLog(place.file, quiet);
  const take = (reader: ChannelLog, pending: LogLine[] = []): Promise<TakenLog | undefined> =>
    reader.take(
      () => pending,
      () => {},
      () => {},
    );
  await appendToLog(place.file, [alice]);
  await place.take();
  // It does what the first one has in hand, as a leftover, and goes on.
  await take(another);
  another.done();
  await appendToLog(place.file, [bob]);
  await take(another);
  await appendToLog(place.file, [alice]);

  place.log.keep([alice]);
  assert.equal(readFileSync(place.run, 'latin1'), 'USER bob\n');
  place.log.done();
  assert.equal(readFileSync(place.run, 'latin1'), 'USER bob\n');
  assert.equal(readFileSync(place.file, 'latin1'), 'USER alice\n');
});

test('what another client has left in log-run is read before more is taken, whatever else is in hand', async () => {
  using place = new Place();
  await appendToLog(place.file, [alice]);
  await place.take();
  // A client that was started by mistake, took over, took more and was killed.
  writeFileSync(`${place.run}.killed`, 'USER bob\n');
  renameSync(`${place.run}.killed`, place.run);
  await appendToLog(place.file, [alice]);

  assert.equal((await place.take([alice]))?.leftover, true);
  assert.deepEqual(place.read, ['USER bob\n']);
  await place.take([alice, bob]);
  assert.deepEqual(place.read, ['USER alice\n']);
  assert.equal(readFileSync(place.run, 'latin1'), 'USER alice\nUSER bob\nUSER alice\n');
  place.log.done();
  assert.deepEqual([existsSync(place.run), existsSync(place.file)], [false, false]);
});

test('re-logging appends, creates log and directory as Cyrus does, and says who may read them', async () => {
  using place = new Place();
  const file = syncLogPath(place.directory, 'new');
  const umask = process.umask(0);
  try {
    await appendToLog(file, [alice]);
  } finally {
    process.umask(umask);
  }
  await appendToLog(file, [{ type: 'MAILBOX', name: 'user.a b' }]);
  assert.equal(readFileSync(file, 'latin1'), 'USER alice\nMAILBOX "user.a b"\n');
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o755);
});

test('a log that cannot be opened is an error that names it and what is needed', async () => {
  using place = new Place();
  symlinkSync(place.file, place.file);
  await assert.rejects(appendToLog(place.file, [alice]), (error) => {
    assert.ok(error instanceof SyncError);
    assert.equal(error.code, 'IO');
    assert.ok(error.message.includes(place.file) && error.message.includes('ELOOP'));
    assert.ok(error.hint);
    return true;
  });
});

test('the waiting lines of the log are counted without taking them', async () => {
  using place = new Place();
  assert.deepEqual(place.log.waiting(), { lines: 0, octets: 0, since: undefined });
  writeFileSync(place.run, 'USER alice\n');
  await appendToLog(place.file, [bob, carol]);
  const waiting = place.log.waiting();
  assert.equal(waiting.lines, 3);
  assert.equal(waiting.octets, 11 + 9 + 11);
  assert.equal(waiting.since, Math.min(statSync(place.run).birthtimeMs, statSync(place.run).mtimeMs));
  await place.take();
  assert.equal(place.log.waiting().lines, 2, 'what was taken is the reader’s');
});

test('a log of 100,000 lines for 5,000 users becomes 5,000 units, each covering its lines', async () => {
  using place = new Place();
  let text = '';
  for (let i = 0; i < 100_000; i++) {
    const user = `user${(i * 7919) % 5000}`;
    if (i % 4 === 0) text += `APPEND user.${user}\n`;
    else if (i % 4 === 1) text += `MAILBOX "user.${user}.Folder ${i % 3}"\n`;
    else if (i % 4 === 2) text += `SEEN ${user} id${i % 5}\n`;
    else text += `META ${user}\n`;
  }
  writeFileSync(place.file, text);
  const coalescer = new Coalescer(ownerOf);
  let bad = 0;
  await place.log.take(
    () => [],
    (parsed) => {
      if (parsed.kind === 'line') coalescer.addTied(actionsOfLine(parsed.line));
      else bad++;
    },
    () => {},
  );
  const units = coalescer.units();
  assert.equal(bad, 0);
  assert.equal(units.length, 5000);
  assert.equal(new Set(units.flatMap((unit) => unit.users)).size, 5000);
});

test('skipuser files are looked for beside the log of the channel', () => {
  using place = new Place();
  writeFileSync(join(place.directory, 'sync', 'skipuser-jo.smith@dom'), '');
  mkdirSync(join(place.directory, 'sync', 'ch'));
  writeFileSync(join(place.directory, 'sync', 'ch', 'skipuser-alice'), '');
  const plainly = skipUsers(place.directory, undefined);
  const channel = skipUsers(place.directory, 'ch');
  assert.deepEqual(['jo.smith@dom', 'alice', '', '../log'].map(plainly), [true, false, false, false]);
  assert.deepEqual(['jo.smith@dom', 'alice'].map(channel), [false, true]);
});

test('the shutdown file is removed when it is seen; without one nothing is asked', () => {
  using place = new Place();
  const path = join(place.directory, 'shutdown');
  const requested = shutdownFile(path);
  assert.equal(requested(), false);
  writeFileSync(path, '');
  assert.equal(requested(), true);
  assert.ok(!existsSync(path));
  assert.equal(requested(), false);
  assert.equal(shutdownFile(undefined)(), false);
});

test('a shutdown file that cannot be removed is an error', () => {
  using place = new Place();
  const path = join(place.directory, 'shutdown');
  mkdirSync(path);
  chmodSync(path, 0o700);
  assert.throws(() => shutdownFile(path)(), SyncError);
});
