import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { MAX_NAME_OCTETS, MAX_USERID_OCTETS } from '../../../src/rolling/limits.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { whyImpossible } from '../../../src/rolling/queue/why-impossible.ts';
import { logLine, ownerOf } from './names.ts';
import { Site } from './site.ts';

const long = 'x'.repeat(5_000);
const longest = 'x'.repeat(MAX_USERID_OCTETS);

for (const line of [
  { type: 'USER', userid: long },
  { type: 'UNUSER', userid: `${longest}x` },
  { type: 'META', userid: 'a/b' },
  { type: 'META', userid: 'a\x1b[2Jb' },
  { type: 'SEEN', userid: 'caf\xe9', uniqueid: 'id' },
  { type: 'SEEN', userid: long, uniqueid: 'id' },
  { type: 'SUB', userid: 'anna', name: `user.anna.${long}` },
  { type: 'SUB', userid: 'anna', name: `user.${longest}x` },
  { type: 'MAILBOX', name: `shared.${long}` },
  { type: 'APPEND', name: `user.${longest}x.Sent` },
  { type: 'UNMAILBOX', name: 'user.anna/../bob' },
  { type: 'ANNOTATION', name: `DELETED.user.${longest}x.Gone.6B04D978` },
  { type: 'QUOTA', root: 'shared/x' },
  { type: 'RENAME', from: 'user.anna', to: `user.${long}` },
  { type: 'DOUBLEMAILBOX', from: `user.${long}`, to: 'user.anna' },
] as const satisfies LogLine[]) {
  test(`nobody can have what this names: ${JSON.stringify(line).slice(0, 60)}`, () => {
    const fault = whyImpossible(line, ownerOf);
    assert.ok(fault);
    assert.ok(fault.found.length < 200, 'short enough to be reported');
  });
}

for (const line of [
  { type: 'USER', userid: longest },
  { type: 'APPEND', name: `user.${longest}.Sent` },
  {
    type: 'RENAME',
    from: `user.anna.${'x'.repeat(480)}`,
    to: `DELETED.user.anna.${'x'.repeat(480)}.6B04D978`,
  },
  { type: 'MAILBOX', name: `shared.${'x'.repeat(MAX_NAME_OCTETS - 7)}` },
  { type: 'ANNOTATION', name: '' },
] as const satisfies LogLine[]) {
  test(`somebody may have what this names: ${JSON.stringify(line).slice(0, 60)}`, () => {
    assert.equal(whyImpossible(line, ownerOf), undefined);
  });
}

test('no line that Cyrus writes of ordinary names is impossible', () => {
  fc.assert(fc.property(logLine, (line) => assert.equal(whyImpossible(line, ownerOf), undefined)));
});

test('a line of somebody who cannot exist is said once and dropped, and the rest of the log is done', async () => {
  using site = new Site();
  await site.change({ type: 'USER', userid: 'alice' });
  writeFileSync(site.file, `USER ${long}\nMAILBOX user.bob\n`, { flag: 'a' });
  const { ended } = site.start({ once: true });
  await site.clock.advance(1_000);
  assert.equal(ended()?.unfinished, 0);
  assert.deepEqual(
    site.eventsOf('rolling:bad-line').map(({ line }) => line),
    [2],
  );
  assert.deepEqual(
    site.begun.map(({ unit }) => unit.users),
    [['alice'], ['bob']],
  );
  assert.ok(!existsSync(`${site.file}-run`));
});
