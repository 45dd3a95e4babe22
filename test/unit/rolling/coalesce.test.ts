import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compareBytes } from '../../../src/byte-string.ts';
import type { Action } from '../../../src/replicate/jobs/action.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import { actionsOfLine } from '../../../src/rolling/queue/actions-of-line.ts';
import { Coalescer } from '../../../src/rolling/queue/coalescer.ts';
import { linesOf, nodesOfUnit, type RollingUnit } from '../../../src/rolling/queue/rolling-unit.ts';
import { logLine, ownerOf } from './names.ts';

function unitsOf(...lines: LogLine[]): RollingUnit[] {
  const coalescer = new Coalescer(ownerOf);
  for (const line of lines) coalescer.addTied(actionsOfLine(line));
  return coalescer.units();
}

/** Without what the order of lines decides: order of units, of names, of actions of one kind. */
function normal(units: readonly RollingUnit[]): string[] {
  return units
    .map((unit) =>
      JSON.stringify({
        users: unit.users,
        actions: unit.actions
          .map((action) =>
            JSON.stringify(
              action.kind === 'mailboxes'
                ? { ...action, names: [...action.names].sort(compareBytes) }
                : action,
            ),
          )
          .sort(),
      }),
    )
    .sort();
}

function isCovered(line: LogLine, units: readonly RollingUnit[]): boolean {
  return units.some((unit) => unit.actions.some((action) => covers(action, line)));
}

function covers(action: Action, line: LogLine): boolean {
  switch (line.type) {
    case 'MAILBOX':
    case 'APPEND':
      return action.kind === 'mailboxes' && action.names.includes(line.name);
    case 'RENAME':
    case 'DOUBLEMAILBOX':
      return (
        action.kind === 'mailboxes' && action.names.includes(line.from) && action.names.includes(line.to)
      );
    case 'UNMAILBOX':
      return action.kind === 'unmailbox' && action.name === line.name;
    case 'ANNOTATION':
      return action.kind === 'annotation' && action.name === line.name;
    case 'QUOTA':
      return action.kind === 'quota' && action.root === line.root;
    case 'USER':
      return action.kind === 'user' && action.userid === line.userid;
    case 'UNUSER':
      return action.kind === 'unuser' && action.userid === line.userid;
    case 'META':
    case 'SIEVE':
      return (action.kind === 'user' || action.kind === 'meta') && action.userid === line.userid;
    case 'SEEN':
      if (action.kind === 'seen') return action.userid === line.userid && action.uniqueid === line.uniqueid;
      return (action.kind === 'user' || action.kind === 'meta') && action.userid === line.userid;
    case 'SUB':
    case 'UNSUB':
      if (action.kind === 'sub') return action.userid === line.userid && action.name === line.name;
      return (action.kind === 'user' || action.kind === 'meta') && action.userid === line.userid;
  }
}

const lines = fc.array(logLine, { maxLength: 40 });

test('whatever the lines, nothing named is left without a job that covers it', () => {
  fc.assert(
    fc.property(lines, (all) => {
      const units = unitsOf(...all);
      for (const line of all) assert.ok(isCovered(line, units), JSON.stringify({ line, units }));
    }),
  );
});

test('the order of the lines does not decide what is done', () => {
  const shuffled = lines.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      assert.deepEqual(normal(unitsOf(...other)), normal(unitsOf(...all)));
    }),
  );
});

test('no user and no shared mailbox of its own is in two units', () => {
  fc.assert(
    fc.property(lines, (all) => {
      const seen = new Set<string>();
      for (const unit of unitsOf(...all)) {
        for (const node of nodesOfUnit(unit, ownerOf)) {
          assert.ok(!seen.has(node), node);
          seen.add(node);
        }
        assert.deepEqual(unit.users, [...new Set(unit.users)].sort(compareBytes));
      }
    }),
  );
});

test('a unit locks every owner of everything in it', () => {
  fc.assert(
    fc.property(lines, (all) => {
      for (const unit of unitsOf(...all)) {
        for (const action of unit.actions) {
          if (action.kind !== 'mailboxes') continue;
          for (const name of action.names) assert.ok(unit.users.includes(ownerOf(name) ?? ''), name);
        }
      }
    }),
  );
});

test('units written back as lines name everything again, ties included', () => {
  fc.assert(
    fc.property(lines, (all) => {
      const units = unitsOf(...all);
      const again = unitsOf(
        ...units.flatMap((unit) => unit.actions.flatMap((action) => linesOf(action, ownerOf))),
      );
      for (const line of all) {
        if (line.type === 'RENAME' && (ownerOf(line.from) ?? '') !== (ownerOf(line.to) ?? '')) continue;
        assert.ok(isCovered(line, again), JSON.stringify({ line, units, again }));
      }
      const users = (from: RollingUnit[]) =>
        from.filter(
          (unit) =>
            unit.users.filter((user) => user !== '').length > 1 && unit.actions[0]?.kind === 'mailboxes',
        );
      assert.deepEqual(
        users(again)
          .map((unit) => unit.users.filter((user) => user !== '').join())
          .sort(),
        users(units)
          .map((unit) => unit.users.filter((user) => user !== '').join())
          .sort(),
      );
    }),
  );
});

test('actions run in the order of the C client, an UNUSER last', () => {
  const [unit] = unitsOf(
    { type: 'UNUSER', userid: 'old' },
    { type: 'USER', userid: 'new' },
    { type: 'UNMAILBOX', name: 'user.new.x' },
    { type: 'QUOTA', root: 'user.new' },
    { type: 'ANNOTATION', name: 'user.new' },
    { type: 'SEEN', userid: 'old', uniqueid: 'id' },
    { type: 'RENAME', from: 'user.old', to: 'user.new' },
  );
  assert.deepEqual(
    unit?.actions.map((action) => action.kind),
    ['mailboxes', 'quota', 'annotation', 'unmailbox', 'user', 'user', 'unuser'],
  );
  assert.deepEqual(unit?.users, ['new', 'old']);
});

test('rename_user_subscriptions: USER new and UNUSER old of a user rename are one unit, in that order', () => {
  const units = unitsOf(
    { type: 'UNUSER', userid: 'old' },
    { type: 'RENAME', from: 'user.old', to: 'user.new' },
    { type: 'USER', userid: 'new' },
  );
  assert.equal(units.length, 1);
  assert.deepEqual(units[0]?.actions, [
    { kind: 'mailboxes', names: ['user.old', 'user.new'] },
    { kind: 'user', userid: 'new' },
    { kind: 'unuser', userid: 'old' },
  ]);
});

test('units with an UNUSER come last even if nothing ties them', () => {
  const units = unitsOf({ type: 'UNUSER', userid: 'old' }, { type: 'USER', userid: 'new' });
  assert.deepEqual(
    units.map((unit) => unit.users),
    [['new'], ['old']],
  );
});

test('a user made again under an old name is not lost to the UNUSER', () => {
  const [unit] = unitsOf({ type: 'SUB', userid: 'amy', name: 'user.amy' }, { type: 'UNUSER', userid: 'amy' });
  assert.deepEqual(unit?.actions, [
    { kind: 'user', userid: 'amy' },
    { kind: 'unuser', userid: 'amy' },
  ]);
});

test('USER absorbs META, SEEN and SUB of that user only', () => {
  const units = unitsOf(
    { type: 'SEEN', userid: 'ua', uniqueid: 'id' },
    { type: 'SIEVE', userid: 'ua' },
    { type: 'SUB', userid: 'uab', name: 'user.ua' },
    { type: 'USER', userid: 'ua' },
  );
  assert.deepEqual(units, [
    { users: ['ua'], actions: [{ kind: 'user', userid: 'ua' }] },
    { users: ['uab'], actions: [{ kind: 'sub', userid: 'uab', name: 'user.ua' }] },
  ]);
});

test('META absorbs SEEN and SUB, and mailbox names stay whatever else there is', () => {
  const [unit] = unitsOf(
    { type: 'SEEN', userid: 'ua', uniqueid: 'id' },
    { type: 'META', userid: 'ua' },
    { type: 'APPEND', name: 'user.ua' },
    { type: 'MAILBOX', name: 'user.ua' },
  );
  assert.deepEqual(unit?.actions, [
    { kind: 'mailboxes', names: ['user.ua'] },
    { kind: 'meta', userid: 'ua' },
  ]);
});

test('shared_folder: shared mailboxes are jobs of their own', () => {
  const units = unitsOf(
    { type: 'MAILBOX', name: 'shared.a' },
    { type: 'APPEND', name: 'shared.a' },
    { type: 'MAILBOX', name: 'shared.b' },
    { type: 'MAILBOX', name: 'user.x' },
  );
  assert.deepEqual(units, [
    { users: [''], actions: [{ kind: 'mailboxes', names: ['shared.a'] }] },
    { users: [''], actions: [{ kind: 'mailboxes', names: ['shared.b'] }] },
    { users: ['x'], actions: [{ kind: 'mailboxes', names: ['user.x'] }] },
  ]);
});

test('a shared folder that many copy to does not tie them together', () => {
  const users = ['a', 'b', 'c'];
  const units = unitsOf(
    ...users.map((user): LogLine => ({ type: 'DOUBLEMAILBOX', from: `user.${user}`, to: 'shared.archive' })),
  );
  assert.deepEqual(
    units.map((unit) => unit.users),
    users.map((user) => ['', user]),
  );
});

test('a chain of renames between users is one unit', () => {
  const units = unitsOf(
    { type: 'RENAME', from: 'user.a.x', to: 'user.b.x' },
    { type: 'RENAME', from: 'user.c.x', to: 'user.d.x' },
    { type: 'DOUBLEMAILBOX', from: 'user.d.x', to: 'user.b.x' },
  );
  assert.deepEqual(
    units.map((unit) => unit.users),
    [['a', 'b', 'c', 'd']],
  );
});

test('names of one action stay together, whosever they are', () => {
  const coalescer = new Coalescer(ownerOf);
  coalescer.add({ kind: 'mailboxes', names: ['user.a.x', 'user.b.x'] });
  coalescer.add({ kind: 'user', userid: 'b' });
  assert.deepEqual(
    coalescer.units().map(({ users }) => users),
    [['a', 'b']],
  );
});

test('users who are tied are tied by their lines too where a shared mailbox comes first among the names', () => {
  const names = ['shared', 'user.alice.x', 'shared2', 'user.bob.y', 'user.alice.z'];
  const again = unitsOf(...linesOf({ kind: 'mailboxes', names }, ownerOf));
  assert.equal(again.length, 1);
  const [unit] = again;
  assert.deepEqual(unit?.users, ['', 'alice', 'bob']);
  assert.deepEqual(
    new Set(unit?.actions.flatMap((action) => ('names' in action ? action.names : []))),
    new Set(names),
  );
});
