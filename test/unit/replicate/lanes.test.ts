import assert from 'node:assert/strict';
import test from 'node:test';
import type { BorrowedLink, EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Lanes } from '../../../src/replicate/connection/lanes.ts';

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
  return { context, given: () => given, left: () => offers.length };
}

const always = (): boolean => true;

test('two connections take turns, and the borrowed one is given back in the end', async () => {
  const { context, given } = scene([true]);
  {
    using lanes = new Lanes(context);
    const other = await lanes.beside(context, always);
    assert.ok(other);
    assert.notEqual(other.session, context.session);
    assert.equal(await lanes.beside(other, always), context);
    assert.equal(await lanes.beside(context, always), other);
    assert.equal(given(), 0);
  }
  assert.equal(given(), 1);
});

test('a connection that cannot be had yet is asked for until there is one', async () => {
  const { context, left } = scene([false, false, true]);
  using lanes = new Lanes(context);
  assert.ok(await lanes.beside(context, always));
  assert.equal(left(), 0);
});

test('a connection is asked for no longer than it is wanted, and not at all where none is lent', async () => {
  const { context, left } = scene([false, false, true]);
  using lanes = new Lanes(context);
  assert.equal(await lanes.beside(context, () => left() > 1), undefined);
  assert.equal(left(), 1);
  const single = { ...context, borrow: undefined };
  using alone = new Lanes(single);
  assert.equal(await alone.beside(single, always), undefined);
});

test('a connection that comes when nobody needs it any more, or that several asked for, is given back once', async () => {
  const { context, given } = scene([true, true]);
  {
    using lanes = new Lanes(context);
    const [first, second] = await Promise.all([lanes.beside(context, always), lanes.beside(context, always)]);
    assert.equal(first, second);
  }
  assert.equal(given(), 1);
  const late = new Lanes(context);
  const asked = late.beside(context, always);
  late[Symbol.dispose]();
  assert.equal(await asked, undefined);
  assert.equal(given(), 2);
});
