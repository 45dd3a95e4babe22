import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Action } from '../../../src/replicate/jobs/action.ts';
import { actionsOfLine } from '../../../src/rolling/queue/actions-of-line.ts';
import { Pending, type PendingUnit } from '../../../src/rolling/queue/pending.ts';
import { Troubles } from '../../../src/rolling/queue/troubles.ts';
import { ownerOf } from './names.ts';
import { linkError, refused } from './site.ts';

/** Counts how often it is asked when somebody may start. */
class Watched extends Troubles {
  looks = 0;

  override until(nodes: Iterable<string>, apart: boolean): number {
    this.looks += 1;
    return super.until(nodes, apart);
  }
}

function changeOf(...names: string[]): { users: string[]; actions: Action[] } {
  const users = [...new Set(names.map((name) => ownerOf(name) ?? ''))].sort();
  return { users, actions: [{ kind: 'mailboxes', names }] };
}

test('users in back-off cost a start nothing, however many they are', () => {
  const many = 5_000;
  const troubles = new Watched(() => 0.5);
  const pending = new Pending(ownerOf, troubles);
  for (let i = 0; i < many; i++) {
    for (let times = 0; times < 9; times++) troubles.failed(`uf${i}`, 0, refused('IO'));
    pending.add(changeOf(`user.f${i}`), 0);
  }
  assert.ok('until' in pending.next(0));
  troubles.looks = 0;
  for (let i = 0; i < 100; i++) {
    pending.add(changeOf('user.alice'), 0);
    const next = pending.next(1_000);
    assert.ok('start' in next);
    assert.deepEqual(next.start.unit.users, ['alice']);
    pending.finish(next.start);
  }
  assert.ok(troubles.looks <= 300, `${troubles.looks} looks for 100 starts`);
});

test('shared mailboxes, which run one after the other, cost a start nothing either', () => {
  const many = 2_000;
  const troubles = new Watched(() => 0.5);
  const pending = new Pending(ownerOf, troubles);
  for (let i = 0; i < many; i++) pending.add(changeOf(`shared${i}`), 0);
  const order: string[] = [];
  for (let next = pending.next(0); 'start' in next; next = pending.next(0)) {
    assert.ok('until' in pending.next(0), 'one at a time');
    order.push(next.start.unit.actions.flatMap((action) => ('names' in action ? action.names : [])).join());
    pending.finish(next.start);
  }
  assert.deepEqual(
    order,
    Array.from({ length: many }, (_, i) => `shared${i}`),
  );
  assert.ok(troubles.looks <= 3 * many, `${troubles.looks} looks for ${many} starts`);
});

test('lines of a shared mailbox that had been tied to a user are done, before and after that unit has started', () => {
  const pending = new Pending(ownerOf, new Troubles(() => 0.5));
  const rename: Action[] = [
    { kind: 'mailboxes', names: ['shared.news'] },
    { kind: 'mailboxes', names: ['user.alice'] },
  ];
  pending.add({ users: ['', 'alice'], actions: rename }, 0);
  pending.add(changeOf('user.alice'), 0);
  pending.add(changeOf('shared.news'), 0);
  pending.add(changeOf('user.alice.Sent'), 0);
  const next = pending.next(0);
  assert.ok('start' in next);
  assert.deepEqual(
    new Set(namesOf(next.start.unit.actions)),
    new Set(['shared.news', 'user.alice', 'user.alice.Sent']),
  );
  pending.add(changeOf('shared.news'), 0);
  assert.equal(pending.waiting, 1);
  pending.finish(next.start);
  assert.ok('start' in pending.next(0));
});

const NAMES = ['user.a', 'user.b', 'user.c', 'user.d', 'shared1', 'shared2', 'shared3'];
const step = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    names: fc.subarray(NAMES, { minLength: 1, maxLength: 2 }),
    tied: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('settle' as const),
    which: fc.nat(3),
    as: fc.constantFrom('done', 'failed', 'locked', 'broke'),
  }),
  fc.record({ kind: fc.constant('tell' as const), which: fc.nat(3) }),
  fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.integer({ min: 1, max: 3_000 }) }),
);

function namesOf(actions: readonly Action[]): string[] {
  return actions.flatMap((action) => ('names' in action ? action.names : []));
}

/** All that a reader of log-run would do. */
function namedBy(pending: Pending): Set<string> {
  return new Set([...pending.lines()].flatMap((line) => namesOf(actionsOfLine(line))));
}

test('what starts is always the first that may, and nobody is forgotten', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const troubles = new Troubles(() => 0.5);
      const pending = new Pending(ownerOf, troubles);
      const running: { unit: PendingUnit; apart: boolean }[] = [];
      const waiting: { nodes: Set<string>; users: Set<string> }[] = [];
      /** Added, and not done. */
      const unfinished = new Set<string>();
      let now = 0;
      const nodesOf = (names: readonly string[]): Set<string> => {
        const nodes = names.map((name) => (ownerOf(name) === undefined ? `s${name}` : `u${ownerOf(name)}`));
        const owned = nodes.filter((node) => node.startsWith('u'));
        return new Set(owned.length > 0 ? owned : nodes);
      };
      const add = (names: readonly string[], tied: boolean): void => {
        const whole = changeOf(...names);
        // Two actions of one line: each is found by what it names, and they run together.
        const actions = names.map((name): Action => ({ kind: 'mailboxes', names: [name] }));
        const unit = tied ? { ...whole, actions } : whole;
        pending.add(unit, 0);
        for (const name of names) unfinished.add(name);
        const nodes = tied ? new Set(names.flatMap((name) => [...nodesOf([name])])) : nodesOf(names);
        const touching = waiting.filter((other) => [...other.nodes].some((node) => nodes.has(node)));
        const [first, ...others] = touching;
        const merged = first ?? { nodes: new Set<string>(), users: new Set<string>() };
        for (const { nodes: more, users } of [...others, { nodes, users: new Set(unit.users) }]) {
          for (const node of more) merged.nodes.add(node);
          for (const user of users) merged.users.add(user);
        }
        if (!first) waiting.push(merged);
        for (const other of others) waiting.splice(waiting.indexOf(other), 1);
      };
      const startAll = (): void => {
        for (;;) {
          const busy = new Set(running.flatMap(({ unit }) => unit.unit.users));
          const anyApart = running.some(({ apart }) => apart);
          const expected = waiting.find(
            ({ users, nodes }) =>
              ![...users].some((user) => busy.has(user)) && troubles.until(nodes, !anyApart) <= now,
          );
          const next = pending.next(now);
          if (!expected) {
            assert.ok('until' in next, 'started what may not');
            const free = waiting.filter(({ users }) => ![...users].some((user) => busy.has(user)));
            const earliest = Math.min(...free.map(({ nodes }) => troubles.until(nodes, !anyApart)));
            assert.ok(next.until <= earliest, 'it would be too late when asked again');
            if (waiting.length === 0) assert.equal(next.until, Number.POSITIVE_INFINITY);
            return;
          }
          assert.ok('start' in next, `${[...expected.nodes]} may start`);
          assert.deepEqual(new Set(next.start.nodes), expected.nodes);
          waiting.splice(waiting.indexOf(expected), 1);
          running.push({ unit: next.start, apart: next.apart });
        }
      };
      const settle = (which: number, as: 'done' | 'failed' | 'locked' | 'broke'): void => {
        const [one] = running.splice(which % Math.max(1, running.length), 1);
        if (!one) return;
        const { unit } = one;
        for (const node of unit.nodes) {
          if (as === 'failed') troubles.failed(node, now, refused('IO'));
          if (as === 'locked') troubles.locked(node, now);
        }
        pending.finish(unit);
        const names = namesOf(unit.unit.actions);
        if (as === 'done') {
          for (const node of unit.nodes) troubles.succeeded(node);
          const others = namedBy(pending);
          for (const name of names) if (!others.has(name)) unfinished.delete(name);
        } else add(names, false);
        if (as === 'broke') tell(unit.nodes);
      };
      /** Found out of somebody, waiting or not: only suspected, and to be tried at once. */
      const tell = (nodes: Iterable<string>): void => {
        for (const node of nodes) {
          troubles.suspected(node, now, linkError);
          pending.reconsider(node);
        }
      };
      for (const one of steps) {
        if (one.kind === 'add') add(one.names, one.tied);
        else if (one.kind === 'settle') settle(one.which, one.as);
        else if (one.kind === 'tell') tell(waiting[one.which]?.nodes ?? []);
        else now += one.milliseconds;
        startAll();
        assert.deepEqual(namedBy(pending), unfinished);
      }
      while (running.length + waiting.length > 0) {
        settle(0, 'done');
        now += 3_600_000;
        startAll();
      }
      assert.equal(pending.waiting + pending.running, 0);
    }),
    { numRuns: 300 },
  );
});
