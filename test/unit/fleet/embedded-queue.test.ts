import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { EmbeddedQueue } from '../../../src/fleet/queue/embedded-queue.ts';
import { DEFAULT_RULES } from '../../../src/fleet/queue/fleet-queue.ts';
import { startCommand } from '../../lab/start-command.ts';
import { queueContract } from './queue-contract.ts';

queueContract('embedded queue', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-queue-'));
  return {
    open: (rules) => EmbeddedQueue.open(directory, rules),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
});

test('embedded queue: nobody else reads who the users of a site are, whatever the mode of its directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-queue-'));
  try {
    const open = join(directory, 'open');
    await mkdir(open, { mode: 0o755 });
    await using _ = await EmbeddedQueue.open(open, DEFAULT_RULES);
    for (const name of await readdir(open)) assert.equal((await stat(join(open, name))).mode & 0o77, 0, name);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('embedded queue: on a full disk it is not made, and that is said', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fleet-queue-'));
  try {
    const source = new URL('../../../src/fleet/queue/embedded-queue.js', import.meta.url);
    const program = `import { EmbeddedQueue } from ${JSON.stringify(source)};
      await EmbeddedQueue.open(process.argv[1], {}).catch(({ message }) => process.stderr.write(message));`;
    // A limit on the size of files is to the process what a full disk would be.
    const limited = 'ulimit -f 0 && exec "$0" --input-type=module --eval "$@"';
    const run = startCommand([
      ...['bash', '--norc', '-c', limited],
      ...[process.execPath, program, join(directory, 'queue')],
    ]);
    assert.equal(await run.end, 0, run.stderr());
    assert.match(run.stderr(), /cannot open the queue: EFBIG/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
