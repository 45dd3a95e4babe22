import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseSizedUsers, sizedUserLine } from '../../../src/fleet/planner/parse-sized-users.ts';
import { isPrintable } from '../../../src/report/printable.ts';

const known = { messages: 2, octets: 150_000 };

test('the list of users steers no terminal, and names the same users when it is read', () => {
  const hard = ['a\u009b31mb', 'an\u202ena', '#anna', '"anna"', 'a\tb', 'a\nb', 'Müller@example.org'];
  const userid = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(...hard));
  fc.assert(
    fc.property(fc.array(userid, { minLength: 1 }), (userids) => {
      const users = userids.map((user) => ({ user, ...known }));
      const lines = users.map(sizedUserLine);
      for (const line of lines) assert.ok(isPrintable(line.replaceAll('\t', '')), line);
      assert.deepEqual(parseSizedUsers(`${lines.join('\n')}\n`, 'm1.users'), users);
    }),
  );
  assert.equal(sizedUserLine({ user: 'anna', ...known }), 'anna\t150000\t2');
  assert.equal(sizedUserLine({ user: 'an\u202ena', ...known }), '"an\\u202ena"\t150000\t2');
});

test('blanks in the place of tabs are refused, rather than taken for a part of the userid', () => {
  for (const line of ['anna 1000 20', 'anna  1000'])
    assert.throws(
      () => parseSizedUsers(`bob\n${line}\n`, 'm1.users'),
      /^SyncError: m1\.users:2: expected USERID, octets and messages separated by tabs/,
      line,
    );
  const known = { octets: 1, messages: 1 };
  assert.deepEqual(parseSizedUsers('\ufeffanna\t1\t1\r\nan na 2\t1\t1\n', 'm1.users'), [
    { user: 'anna', ...known },
    { user: 'an na 2', ...known },
  ]);
});

test('a line that begins as a userid in quotes and is none is refused by its number', () => {
  for (const line of ['"anna', '"anna\\"', '""', '"anna"x'])
    assert.throws(
      () => parseSizedUsers(`bob\n${line}\t1\t1\n`, 'm1.users'),
      /^SyncError: m1\.users:2: expected USERID/,
    );
});
