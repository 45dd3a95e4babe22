import assert from 'node:assert/strict';
import test from 'node:test';
import { planQuotas } from '../../../src/replicate/user-data/plan-quotas.ts';
import { emptySeen, planSeen } from '../../../src/replicate/user-data/plan-seen.ts';
import { compiledName, planSieve } from '../../../src/replicate/user-data/plan-sieve.ts';
import { planSubscriptions } from '../../../src/replicate/user-data/plan-subscriptions.ts';

test('seen state is sent where any of it differs or there is none, and none is removed', () => {
  const seen = { uniqueid: 'one', lastuid: 7, lastread: 100, lastchange: 90, seenuids: '1:7' };
  const isSent = (there: object[]) => planSeen([seen], there as never).length === 1;
  assert.equal(isSent([seen]), false);
  assert.equal(isSent([]), true);
  assert.equal(isSent([{ ...seen, uniqueid: 'two' }]), true);
  for (const field of ['lastuid', 'lastread', 'lastchange'] as const)
    assert.equal(isSent([{ ...seen, [field]: seen[field] - 1 }]), true, field);
  assert.equal(isSent([{ ...seen, seenuids: '1:6' }]), true);
  assert.deepEqual(planSeen([], [seen]), []);
});

test('of a former user of the name all is emptied that the master has nothing for, once', () => {
  const seen = { uniqueid: 'one', lastuid: 7, lastread: 100, lastchange: 90, seenuids: '1:7' };
  const empty = { uniqueid: 'one', lastuid: 0, lastread: 0, lastchange: 90, seenuids: '' };
  assert.deepEqual(emptySeen([], [seen]), [empty]);
  assert.deepEqual(emptySeen([], [{ ...seen, lastuid: 0 }]), [empty]);
  assert.deepEqual(emptySeen([], [{ ...seen, seenuids: '' }]), [empty]);
  assert.deepEqual(emptySeen([], [empty]), []);
  assert.deepEqual(emptySeen([{ ...seen, seenuids: '1' }], [seen]), []);
});

test('a quota is set where any limit differs, removed where it is gone here, and left where it could not be read', () => {
  const quota = { root: 'user.anna', storage: 1, messages: 2, annotationStorage: 3, folders: 4, usage: {} };
  const plan = (ours: object | undefined, theirs: object[]) =>
    planQuotas(new Map([['user.anna', ours as never]]), theirs as never);
  const nothing = { set: [], remove: [] };
  assert.deepEqual(plan(quota, [quota]), nothing);
  assert.deepEqual(plan(quota, []), { set: [quota], remove: [] });
  for (const limit of ['storage', 'messages', 'annotationStorage', 'folders'] as const)
    assert.deepEqual(plan(quota, [{ ...quota, [limit]: -1 }]), { set: [quota], remove: [] }, limit);
  assert.deepEqual(plan(undefined, [quota]), { set: [], remove: ['user.anna'] });
  assert.deepEqual(plan(undefined, []), nothing);
  assert.deepEqual(planQuotas(new Map(), [quota]), nothing);
});

test('subscriptions are added and taken away, each once', () => {
  assert.deepEqual(planSubscriptions(['a', 'b', 'b', 'c'], ['c', 'd']), { add: ['a', 'b'], remove: ['d'] });
  assert.deepEqual(planSubscriptions([], []), { add: [], remove: [] });
});

const script = (name: string, guid = 'g') => ({
  filename: `${name}.script`,
  guid,
  lastUpdate: 1,
  active: false,
});
const compiled = (name: string, active = false) => ({
  filename: `${name}.bc`,
  guid: '',
  lastUpdate: 1,
  active,
});
const here = (scripts: ReturnType<typeof script>[], active?: string) =>
  ({ source: 'directory', scripts, active }) as never;

test('scripts go over that are new or others, and those that are gone here go', () => {
  const { upload, remove, activate } = planSieve(here([script('a'), script('b'), script('c', 'new')]), [
    script('a'),
    script('c'),
    script('d'),
  ]);
  assert.deepEqual(
    [upload.map(({ filename }) => filename), remove, activate],
    [['b.script', 'c.script'], ['d.script'], undefined],
  );
});

test('the active script is activated if another one is, none is, or it was written anew; and deactivated with ours', () => {
  const activate = (active: string | undefined, there: object[], guid = 'g') =>
    planSieve(here([script('a', guid), script('b')], active), [script('a'), script('b'), ...there] as never)
      .activate;
  assert.equal(activate('a.bc', [compiled('a', true)]), undefined);
  assert.equal(activate('a.bc', [compiled('b', true)]), 'a.bc');
  assert.equal(activate('a.bc', []), 'a.bc');
  assert.equal(activate('a.bc', [compiled('a', true)], 'new'), 'a.bc');
  assert.equal(activate('b.bc', [compiled('b', true)], 'new'), undefined, 'another one was written anew');
  assert.equal(activate(undefined, [compiled('a', true)]), '');
  assert.equal(activate(undefined, [compiled('a')]), undefined);
});

test('what an old server goes on listing of a script that is gone is removed as well, of no other', () => {
  const removed = (there: object[]) => planSieve(here([script('a')]), there as never).remove;
  assert.deepEqual(removed([script('a'), compiled('a'), compiled('gone')]), ['gone.bc']);
  assert.deepEqual(removed([script('b'), compiled('b')]), ['b.script']);
  assert.deepEqual(removed([compiled('a'), { ...compiled('x'), filename: 'defaultbc' }]), []);
  assert.equal(compiledName('a.script'), 'a.bc');
});
