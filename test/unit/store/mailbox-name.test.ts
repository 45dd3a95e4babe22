import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  dbnameOf,
  internalNameOf,
  mailboxKey,
  nameInKey,
} from '../../../src/store/mailbox-list/mailbox-key.ts';
import {
  isInbox,
  parseDbname,
  parseExternalName,
  parseInternalName,
  parseUserid,
  toDbname,
  toInternalName,
  useridOf,
} from '../../../src/store/paths/mailbox-name.ts';
import { plainLayout } from '../../lab/plain-layout.ts';

const RULES = plainLayout('/x', { virtdomains: 'userid' });

test('the three spellings of a name lead to the same mailbox', () => {
  const examples = [
    ['user.alice', 'user\x1falice', 'user/alice', 'alice'],
    ['user.jo^smith.Sent', 'user\x1fjo.smith\x1fSent', 'user/jo.smith/Sent', 'jo.smith'],
    ['dom.org!user.x.v1^2', 'dom.org\x1duser\x1fx\x1fv1.2', 'user/x/v1.2@dom.org', 'x@dom.org'],
    ['DELETED.user.foo.Gone.6B04D978', 'DELETED\x1fuser\x1ffoo\x1fGone\x1f6B04D978', undefined, 'foo'],
    ['shared.news', 'shared\x1fnews', 'shared/news', undefined],
    ['DELETED.shared.x.6B04D978', 'DELETED\x1fshared\x1fx\x1f6B04D978', undefined, undefined],
    ['user', 'user', 'user', undefined],
  ] as const;
  for (const [internal, dbname, external, userid] of examples) {
    assert.equal(toDbname(RULES, parseInternalName(RULES, internal)), dbname);
    assert.equal(toInternalName(RULES, parseDbname(RULES, dbname)), internal);
    assert.equal(dbnameOf(internal), dbname);
    assert.equal(internalNameOf(dbname), internal);
    assert.equal(useridOf(parseInternalName(RULES, internal)), userid);
    if (external !== undefined)
      assert.equal(toInternalName(RULES, parseExternalName(RULES, external)), internal);
  }
});

test('a userid gives the name of the INBOX, and the default domain is never spelled out', () => {
  assert.equal(toInternalName(RULES, parseUserid(RULES, 'jo.smith@dom.org')), 'dom.org!user.jo^smith');
  assert.equal(toInternalName(RULES, parseUserid(RULES, 'jo@internal')), 'user.jo');
  assert.equal(toInternalName(RULES, parseExternalName(RULES, 'user/jo@internal')), 'user.jo');
  assert.ok(isInbox(parseInternalName(RULES, 'dom.org!user.jo')));
  assert.ok(!isInbox(parseInternalName(RULES, 'DELETED.user.jo.6B04D978')));
});

test('an @ is part of the name without virtual domains, and ^ stands for a dot where dots separate', () => {
  const plain = plainLayout('/x', { unixhierarchysep: false });
  assert.equal(toInternalName(plain, parseExternalName(plain, 'user.a@b.x^y')), 'user.a@b.x^y');
});

test('any dbname survives the way through the internal name', () => {
  const component = fc.stringMatching(/^[a-zA-Z0-9 &_.-]{1,12}$/);
  const name = fc.array(component, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('\x1f'));
  const domain = fc.option(fc.stringMatching(/^[a-z]{1,5}\.org$/), { nil: undefined });
  fc.assert(
    fc.property(domain, name, (dom, path) => {
      const dbname = dom === undefined ? path : `${dom}\x1d${path}`;
      assert.equal(dbnameOf(internalNameOf(dbname)), dbname);
    }),
  );
});

test('a domain ends at the first mark, and begins at the last; one of no octets is a domain', () => {
  const noDomain = { domain: undefined, localpart: undefined, deletedTime: 0 };
  assert.deepEqual(parseInternalName(RULES, '!a.b'), { ...noDomain, domain: '', boxes: ['a', 'b'] });
  assert.deepEqual(parseInternalName(RULES, 'a!b!c'), { ...noDomain, domain: 'a', boxes: ['b!c'] });
  assert.deepEqual(parseDbname(RULES, '\x1da\x1fb'), { ...noDomain, domain: '', boxes: ['a', 'b'] });
  assert.deepEqual(parseExternalName(RULES, '@a'), { ...noDomain, domain: 'a', boxes: [''] });
  assert.deepEqual(parseExternalName(RULES, 'a@b@c'), { ...noDomain, domain: 'c', boxes: ['a@b'] });
  assert.deepEqual(parseUserid(RULES, '@a'), { ...noDomain, domain: 'a', localpart: '', boxes: [] });
  assert.deepEqual(parseUserid(RULES, 'a@b@c'), { ...noDomain, domain: 'c', localpart: 'a@b', boxes: [] });
});

test('deleted is what stands between the prefix and a time; a user is what stands behind user', () => {
  const parsed = (name: string) => {
    const { localpart, boxes, deletedTime } = parseInternalName(RULES, name);
    return [localpart, boxes.join(), deletedTime];
  };
  assert.deepEqual(parsed('DELETED.a'), [undefined, 'DELETED,a', 0]);
  assert.deepEqual(parsed('DELETED.a.10'), [undefined, 'a', 16]);
  assert.deepEqual(parsed('DELETED.a.word'), [undefined, 'a', 0], 'both are dropped, as in Cyrus');
  assert.deepEqual(parsed('DELETED.user.anna.10'), ['anna', '', 16]);
  assert.deepEqual(parsed('DELETED.user.10'), [undefined, 'user', 16]);
  assert.deepEqual(parsed('user'), [undefined, 'user', 0]);
  assert.deepEqual(parsed('user.anna'), ['anna', '', 0]);
  assert.deepEqual(parsed('user.anna.a.b'), ['anna', 'a,b', 0]);
  assert.ok(!isInbox(parseInternalName(RULES, 'user.anna.a')));
  assert.ok(!isInbox(parseInternalName(RULES, 'shared')));
});

test('a domain of no octets is a domain in keys too, and the rest of a name may have its mark', () => {
  for (const [internal, dbname] of [
    ['!a.b', '\x1da\x1fb'],
    ['a.org!b.c^d', 'a.org\x1db\x1fc.d'],
    ['a!b!c', 'a\x1db!c'],
    ['a', 'a'],
    ['', ''],
  ] as const) {
    assert.equal(dbnameOf(internal), dbname);
    assert.equal(internalNameOf(dbname), internal);
  }
});

test('a key of a list of mailboxes is that of a mailbox, or of none', () => {
  assert.equal(mailboxKey('by-record', 'a.org!b.c^d'), 'Na.org\x1db\x1fc.d');
  assert.equal(mailboxKey('by-name', 'a.org!b.c^d'), 'a.org!b.c^d');
  assert.equal(nameInKey('by-record', 'Na.org\x1db\x1fc.d'), 'a.org!b.c^d');
  for (const other of ['Ia01', 'UGanna\x1egroup:x', '$RACL'])
    assert.equal(nameInKey('by-record', other), undefined);
  assert.equal(nameInKey('by-name', 'Na.b'), 'Na.b');
  assert.equal(nameInKey('by-name', '$RACL$S$anna'), undefined);
});
