import assert from 'node:assert/strict';
import test from 'node:test';
import { ownerBy } from '../../../src/rolling/queue/owner-by.ts';

const ownerOf = ownerBy({
  defaultdomain: 'default.example',
  deletedprefix: 'DELETED',
  unixhierarchysep: true,
  virtdomains: 'userid',
});

for (const [name, owner] of [
  ['user.alice', 'alice'],
  ['user.alice.Sent', 'alice'],
  ['user.jo^smith', 'jo.smith'],
  ['example.org!user.dave.x', 'dave@example.org'],
  ['default.example!user.dave', 'dave'],
  ['DELETED.user.carol.Gone.6B04D978', 'carol'],
  ['example.org!DELETED.user.carol.6B04D978', 'carol@example.org'],
  ['shared.news', undefined],
  ['DELETED.shared.old.6B04D978', undefined],
  ['user', undefined],
  ['', undefined],
] as const) {
  test(`the owner of '${name}' is ${owner ?? 'nobody'}`, () => {
    assert.equal(ownerOf(name), owner);
  });
}
