import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { growingPercent, youngGrowthFactor } from '../../../src/cli/start/keep-heap-small.ts';
import { outOfFiles } from '../../lab/out-of-files.ts';
import { startCommand } from '../../lab/start-command.ts';

const MEBIBYTE = 1024 ** 2;
const MODULE = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'start', 'keep-heap-small.js');

test('garbage is collected seldom while the process is small, and soon when it is not', () => {
  assert.ok(growingPercent(60 * MEBIBYTE) > growingPercent(300 * MEBIBYTE));
  assert.ok(growingPercent(300 * MEBIBYTE) <= 50);
});

test('the room for young objects grows until it is enough', () => {
  assert.ok(youngGrowthFactor(2 * MEBIBYTE) > 1);
  assert.equal(youngGrowthFactor(8 * MEBIBYTE), 1);
  assert.ok(youngGrowthFactor(4 * MEBIBYTE) > 1, 'after an idle hour');
});

test('what is young in the heap has little room, however much is made', async () => {
  const program = `
    const { getHeapSpaceStatistics } = require('node:v8');
    const { setTimeout: pause } = require('node:timers/promises');
    const young = () => getHeapSpaceStatistics().find((each) => each.space_name === 'new_space').space_size;
    let alive = [];
    const make = (count) => {
      for (let made = 0; made < count; made += 1) {
        alive.push({ made });
        if (alive.length > 100_000) alive = [];
      }
    };
    import(${JSON.stringify(pathToFileURL(MODULE).href)}).then(async ({ keepHeapSmall }) => {
      if (process.argv[1] === 'kept') keepHeapSmall();
      while (young() < 8 * 1024 ** 2) {
        make(5_000);
        await pause(1);
      }
      // Long enough for several looks.
      await pause(2_000);
      make(4_000_000);
      process.stdout.write(String(young()));
    });`;
  const [kept, left] = await Promise.all(
    ['kept', 'left alone'].map(async (how) => {
      const run = startCommand([process.execPath, '-e', program, how]);
      assert.equal(await run.end, 0, run.stderr());
      return Number(run.stdout());
    }),
  );
  assert.ok(kept !== undefined && left !== undefined);
  assert.ok(kept < left, `${kept} octets, ${left} if it is left alone`);
});

test('how much memory there is cannot be told without descriptors, and the process goes on', async () => {
  const { end, said, stderr } = await outOfFiles(`
    const { keepHeapSmall } = await load('cli/start/keep-heap-small.js');
    keepHeapSmall();
    takeAll();
    await pause(1_000);
    giveBack();
    await pause(500);
    say('there');`);
  assert.deepEqual([end, said], [0, 'there\n'], stderr);
});
