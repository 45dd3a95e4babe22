import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { SharedMail } from '../../../src/plan/shared-mail.ts';

const guid = (number: number): string => createHash('sha1').update(String(number)).digest('hex');

test('the copies beyond the first are what several users share', () => {
  const shared = new SharedMail();
  for (const user of ['anna', 'bob', 'chiara']) shared.add(user, guid(1), 1_000);
  shared.add('anna', guid(2), 50);
  // The same user's own copy is none that is shared.
  shared.add('anna', guid(1), 1_000);
  assert.deepEqual(shared.count, { messages: 2, octets: 2_000, oneIn: 1 });
});

test('more messages than can be remembered are estimated from a sample', () => {
  const shared = new SharedMail(500);
  for (let number = 0; number < 20_000; number += 1) {
    shared.add('anna', guid(number), 100);
    if (number % 2 === 0) shared.add('bob', guid(number), 100);
  }
  const { messages, octets, oneIn } = shared.count;
  assert.ok(oneIn >= 32, String(oneIn));
  assert.ok(Math.abs(messages - 10_000) < 2_000, String(messages));
  assert.ok(Math.abs(octets - messages * 100) <= oneIn * 100);
});
