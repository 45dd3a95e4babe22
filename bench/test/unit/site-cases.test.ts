import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandLine, parseContender } from '../../contenders.ts';
import { SITE_CASES } from '../../site-cases.ts';

test('each case that sites have more of has an id of its own, and contenders that there are', () => {
  const ids = SITE_CASES.map(({ id }) => id);
  assert.deepEqual(ids, [...new Set(ids)]);
  for (const { contenders } of SITE_CASES) {
    for (const name of [...contenders.small, ...contenders.full]) parseContender(name);
  }
});

test('a run of one user names that user', async () => {
  const { command } = await commandLine(parseContender('c'), '/imapd.conf', {
    users: ['anna'],
    directory: '/nowhere',
    mode: '-u',
  });
  assert.deepEqual(command.slice(-2), ['-u', 'anna']);
});
