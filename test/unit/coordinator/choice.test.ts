import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { bytesFromText } from '../../../src/byte-string.ts';
import { AsFound } from '../../../src/coordinator/run/as-found.ts';
import { chosenBy, globFault } from '../../../src/coordinator/run/choice.ts';

const everybody = { include: [], exclude: [], shard: undefined };

test('patterns are for whole names, in which a star stands for anything, and exclusions win', () => {
  const chosen = chosenBy({
    ...everybody,
    include: ['*@example.org', 'news*'],
    exclude: ['test?@*', 'news/old*'],
  });
  const users = [
    'anna@example.org',
    'test1@example.org',
    'testing@example.org',
    'anna@example.com',
    'newsman',
  ];
  assert.deepEqual(users.filter(chosen.user), ['anna@example.org', 'testing@example.org', 'newsman']);
  assert.deepEqual(['news', 'news/a/b', 'news/old/b', 'other'].filter(chosen.shared), ['news', 'news/a/b']);
});

test('a question mark is one character of a name, however many octets it has', () => {
  const { user } = chosenBy({ ...everybody, include: ['?nna', '[ü-ü]do'] });
  assert.deepEqual([bytesFromText('änna'), bytesFromText('ännna'), bytesFromText('üdo')].map(user), [
    true,
    false,
    true,
  ]);
});

test('what cannot be a pattern is said to be none', () => {
  for (const pattern of ['', '[a', '{a', '(a']) assert.ok(globFault(pattern), pattern);
  for (const pattern of ['a', '!a', '.a', 'a+b@c', '{a,b}*', '[a-m]*'])
    assert.equal(globFault(pattern), undefined);
  assert.ok(chosenBy({ ...everybody, include: ['!a'] }).user('!a'));
});

test('every user is in one of the parts, always the same, and shared mailboxes are in one together', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 20 }), (names, of) => {
      const parts = Array.from({ length: of }, (_, i) =>
        chosenBy({ ...everybody, shard: { number: i + 1, of } }),
      );
      for (const name of names) {
        assert.equal(parts.filter(({ user }) => user(name)).length, 1);
        assert.deepEqual(
          parts.map(({ shared }) => shared(name)),
          parts.map((_, i) => i === 0),
        );
      }
    }),
  );
});

test('parts are about equal', () => {
  const { user } = chosenBy({ ...everybody, shard: { number: 2, of: 4 } });
  const count = Array.from({ length: 4_000 }, (_, i) => `user${i}`).filter(user).length;
  assert.ok(count > 850 && count < 1_150, `${count}`);
});

test('what is queued as it was found comes in that order, put back before all others, and sizes add up', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100), { maxLength: 5_000 }), fc.nat(4_000), (sizes, taken) => {
      const queue = new AsFound<number>();
      for (const [index, size] of sizes.entries()) queue.add(index, size);
      const first = Array.from({ length: Math.min(taken, sizes.length) }, () => queue.take()?.item);
      assert.deepEqual(
        first,
        first.map((_, index) => index),
      );
      if (first.length > 0) queue.putBack(0, sizes[0] ?? 0);
      const rest = [...(first.length > 0 ? [0] : []), ...[...sizes.keys()].slice(first.length)];
      assert.equal(queue.length, rest.length);
      assert.equal(
        queue.sum,
        rest.reduce((sum, index) => sum + (sizes[index] ?? 0), 0),
      );
      assert.deepEqual(queue.takeAll(), rest);
      assert.equal(queue.length, 0);
    }),
  );
});
