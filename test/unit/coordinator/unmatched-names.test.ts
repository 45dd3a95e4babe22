import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { guessName, type NamesHere } from '../../../src/coordinator/run/guess-name.ts';
import { nearestNames } from '../../../src/coordinator/run/nearest-names.ts';
import type { UnmatchedName } from '../../../src/report/events.ts';
import { unmatchedLine } from '../../../src/report/words/unmatched-line.ts';
import { externalName } from '../../../src/store/paths/external-name.ts';

const rules = {
  virtdomains: 'userid',
  defaultdomain: 'home.example',
  deletedprefix: 'DELETED',
  unixhierarchysep: true,
} as const;
const live = [
  'user.u000',
  'user.u000.Sent',
  'user.jo^smith',
  'user.headless.Sent',
  'x.org!user.dora',
  'shared.news',
];
const here: NamesHere = {
  rules,
  fate: (name) => (live.includes(name) ? 'live' : name === 'user.u000.Old' ? 'deleted' : 'none'),
  begins: (prefix) => live.some((name) => name.startsWith(prefix)),
};

function meant(mode: UnmatchedName['mode'], name: string): string | undefined {
  const guess = guessName(mode, name, here);
  return guess && ('name' in guess ? guess.name : guess.why);
}

test('a user who was spelled as a mailbox, or with a domain or blanks, is recognised', () => {
  for (const name of [
    'user.u000',
    'user/u000',
    'user/u000/Sent',
    'u000@example.org',
    ' u000',
    'user/u000@x',
  ]) {
    assert.equal(meant('users', name), 'u000', name);
  }
  assert.equal(meant('meta', 'user/jo.smith'), 'jo.smith');
  assert.equal(meant('users', 'user/dora@x.org'), 'dora@x.org');
  assert.equal(meant('users', 'u*'), 'pattern');
  assert.equal(meant('users', 'headless'), 'no-inbox');
  assert.equal(meant('users', 'nobody'), undefined);
});

test('a mailbox that was spelled as a user or with another separator is recognised', () => {
  assert.equal(meant('mailboxes', 'u000'), 'user.u000');
  assert.equal(meant('mailboxes', 'jo^smith'), 'user.jo^smith');
  // Typed with dots where slashes separate.
  assert.equal(meant('mailboxes', 'user^u000^Sent'), 'user.u000.Sent');
  assert.equal(meant('mailboxes', 'x.org!dora'), 'x.org!user.dora');
  assert.equal(meant('mailboxes', 'user.u000.Old'), 'deleted');
  assert.equal(meant('mailboxes', 'user.u000.%'), 'pattern');
});

test('a prefix that was spelled as a user or as an administrator spells a mailbox is recognised', () => {
  assert.equal(meant('all', 'u000'), 'user.u000');
  assert.equal(meant('all', 'u00'), 'user.u00');
  assert.equal(meant('all', 'user/u00'), 'user.u00');
  assert.equal(meant('all', 'user.u00*'), 'user.u00');
  assert.equal(meant('all', 'dora@x.org'), 'x.org!user.dora');
  assert.equal(meant('all', 'nothing'), undefined);
});

test('what is meant by a name that ends in an octet like a blank is spelled whole', () => {
  // The last octet of à is A0.
  const name = 'user.andre\u00c3\u00a0';
  const alone: NamesHere = { rules, fate: () => 'none', begins: (prefix) => name.startsWith(prefix) };
  assert.deepEqual(guessName('all', 'andre\u00c3\u00a0 ', alone), { why: 'form', name });
});

test('of names that are alike the one that differs in capitals alone comes first, and a domain before a typing error', () => {
  const users = ['alise', 'ALICE', 'bob@example.org', 'boh', 'carla'];
  const found = nearestNames(['alice', 'bob', 'crala', 'zz'], users);
  assert.deepEqual(
    [...found].map(([name, near]) => [name, near.why, near.name]),
    [
      ['alice', 'case', 'ALICE'],
      ['bob', 'form', 'bob@example.org'],
      ['crala', 'similar', 'carla'],
    ],
  );
});

test('short names are alike to none, and a guess is no more than two letters off', () => {
  assert.equal(nearestNames(['bo'], ['ba']).size, 0);
  assert.equal(nearestNames(['charlotte'], ['charolote']).size, 1);
  assert.equal(nearestNames(['charlotte'], ['harolote']).size, 0);
});

test('a letter too many, too few, wrong or in the wrong place is forgiven wherever it is', () => {
  const name = fc.stringMatching(/^[a-z]{8,20}$/);
  fc.assert(
    fc.property(name, fc.nat(18), fc.constantFrom('add', 'drop', 'change', 'swap'), (right, place, error) => {
      const at = place % (right.length - 1);
      const [before, here, next, after] = [right.slice(0, at), right[at], right[at + 1], right.slice(at + 2)];
      const typed = {
        add: `${before}${here}-${next}${after}`,
        drop: `${before}${next}${after}`,
        change: `${before}-${next}${after}`,
        swap: `${before}${next}${here}${after}`,
      }[error];
      if (typed === right) return;
      assert.equal(nearestNames([typed], ['0'.repeat(8), right]).get(typed)?.name, right);
    }),
  );
});

test('what is meant is told as it has to be typed', () => {
  const spell = (name: string): string => externalName(rules, name);
  const line = (unmatched: UnmatchedName): string => unmatchedLine(unmatched, spell);
  assert.equal(
    line({ mode: 'mailboxes', name: 'user^u000^Sent', guess: { why: 'form', name: 'user.u000.Sent' } }),
    'user.u000.Sent: no such mailbox here (did you mean user/u000/Sent?)',
  );
  assert.equal(line({ mode: 'users', name: 'nobody', guess: undefined }), 'nobody: no such user here');
  assert.equal(
    line({ mode: 'users', name: 'U000', guess: { why: 'case', name: 'u000' } }),
    'U000: no such user here (did you mean u000? Capitals count)',
  );
  assert.match(line({ mode: 'users', name: '', guess: undefined }), /no name was given/);
});
