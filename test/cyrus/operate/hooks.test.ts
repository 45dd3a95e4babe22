import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { syncClient } from '../../lab/sync-client.ts';

test('at the end of a run a program is told how it went, and the log how the program ended', async () => {
  await using pair = await startPair();
  await populate(pair.master, { users: 3 });
  const at = (name: string): string => join(pair.master.directory, name);
  const [settings, program, told, log] = [at('hooks.ini'), at('on-done'), at('told'), at('hooks.log')];
  writeFileSync(program, `#!/bin/sh\nenv > ${told}\nexit 7\n`, { mode: 0o755 });
  writeFileSync(settings, `on_done = ${program}\n`);
  giveToCyrus(pair.master.directory);
  const args = ['--settings', settings, '-A', '--log-file', log];
  const result = await syncClient(pair.master, args);
  assert.equal(result.code, 0, result.stderr);
  const facts = readFileSync(told, 'utf8');
  assert.match(facts, /^CYRUS_SYNC_HOOK=on_done$/m);
  assert.match(facts, /^CYRUS_SYNC_FAILED=0$/m);
  assert.match(facts, /^CYRUS_SYNC_DONE=[1-9]\d*$/m);
  assert.ok(!/test-secret/.test(facts), 'no password is in it');
  assert.match(readFileSync(log, 'utf8'), /error: on_done: \S+\/on-done ended with 7 after /);

  for (const [content, said] of [
    ['on_done = hook', /hooks\.ini:1: on_done: expected the path of a program, found "hook"/],
    ['on_failure = /etc/passwd', /on_failure: expected a program that may be run, found \/etc\/passwd: /],
    ['lag_limit = long', /lag_limit: expected a duration/],
  ] as const) {
    writeFileSync(settings, `${content}\n`);
    const refused = await syncClient(pair.master, ['-v', ...args]);
    assert.equal(refused.code, 78, refused.stderr);
    assert.match(refused.stderr, said);
    assert.equal(refused.stdout, '');
  }
});
