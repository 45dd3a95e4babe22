import assert from 'node:assert/strict';
import test from 'node:test';
import type { BorrowedLink, EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Lanes } from '../../../src/replicate/connection/lanes.ts';
import { GUIDS_PER_COMMAND } from '../../../src/replicate/connection/reservation.ts';

const STEP = GUIDS_PER_COMMAND / 2;

function scene(lent: readonly boolean[]) {
  const offers = [...lent];
  let given = 0;
  const other = { session: {}, stage: {}, partitions: {} };
  const context = {
    session: {},
    borrow: async () => {
      if (!offers.shift()) return undefined;
      return { ...other, [Symbol.dispose]: () => given++ } as unknown as BorrowedLink;
    },
  } as unknown as EngineContext;
  const where = ({ session }: EngineContext): string => (session === context.session ? 'own' : 'other');
  return { context, where, given: () => given };
}

async function turns(lanes: Lanes, where: (lane: EngineContext) => string, count: number): Promise<string> {
  const taken: string[] = [];
  for (let turn = 0; turn < count; turn++) taken.push(where(await lanes.next(STEP)));
  return taken.join(' ');
}

test('steps take turns behind what was reserved, and the connection is given back', async () => {
  const { context, where, given } = scene([true]);
  {
    using lanes = new Lanes(context);
    assert.equal(await turns(lanes, where, 5), 'own other own other own');
    assert.equal(given(), 0);
  }
  assert.equal(given(), 1);
});

test('without another connection all steps go over their own, until there is one', async () => {
  const { context, where } = scene([false, false, true]);
  using lanes = new Lanes(context);
  assert.equal(await turns(lanes, where, 5), 'own own own other own');
});
