import assert from 'node:assert/strict';
import test from 'node:test';
import { quotaLegacy } from '../../../../src/store/cyrusdb/quota-legacy.ts';
import { CyrusScratch } from '../../../lab/cyrus-scratch.ts';

const ROOTS = [
  '9x',
  'Zed.x',
  'dom.org!',
  'dom.org!user.jo^smith',
  'shared.x',
  'toplevel',
  'user.amy',
  'user.b.NEW',
  'user.jo^smith',
];

for (const fulldirhash of [false, true]) {
  for (const virtdomains of [false, true]) {
    test(`quotas as Cyrus files them, fulldirhash ${fulldirhash}, virtdomains ${virtdomains}`, (context) => {
      const scratch = new CyrusScratch(context, [
        `fulldirhash: ${fulldirhash ? 1 : 0}`,
        `virtdomains: ${virtdomains ? 'userid' : 'off'}`,
      ]);
      const expected = ROOTS.map((root, i): [string, string] => [root, `%(S (${i} 1000) M (1))`]);
      for (const [root, value] of expected)
        scratch.run(scratch.path('quotas.db'), 'quotalegacy', ['set', root, value]);
      const quotas = quotaLegacy({ directory: scratch.directory, virtdomains, fulldirhash });
      for (const [root, value] of expected) assert.equal(quotas.get(root), value);
      assert.equal(quotas.get('user.none'), undefined);
      assert.deepEqual([...quotas.entries()], expected);
      scratch.run(scratch.path('quotas.db'), 'quotalegacy', ['delete', 'user.amy']);
      assert.equal(quotas.get('user.amy'), undefined);
    });
  }
}
