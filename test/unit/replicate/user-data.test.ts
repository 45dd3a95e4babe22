import assert from 'node:assert/strict';
import test from 'node:test';
import { planQuotas } from '../../../src/replicate/user-data/plan-quotas.ts';
import { planSeen } from '../../../src/replicate/user-data/plan-seen.ts';
import { planSieve } from '../../../src/replicate/user-data/plan-sieve.ts';
import { planSubscriptions } from '../../../src/replicate/user-data/plan-subscriptions.ts';
import type { QuotaEntry, SieveScript } from '../../../src/store/master-store.ts';

const limits = (root: string, storage: number): QuotaEntry => ({
  root,
  storage,
  messages: -1,
  annotationStorage: -1,
  folders: -1,
  modseq: 7,
});
const script = (name: string, guid: string): SieveScript => ({
  filename: `${name}.script`,
  lastUpdate: 1,
  guid,
  content: Buffer.from('keep;'),
});
const there = (name: string, guid: string) => ({
  filename: `${name}.script`,
  lastUpdate: 1,
  guid,
  active: false,
});
const active = (name: string) => ({ filename: `${name}.bc`, lastUpdate: 0, guid: '0', active: true });

test('subscriptions are made equal', () => {
  assert.deepEqual(planSubscriptions(['a', 'b'], ['b', 'c']), { add: ['a'], remove: ['c'] });
});

test('seen state is sent when any field differs and never removed', () => {
  const seen = (uniqueid: string, seenuids: string) => ({
    uniqueid,
    lastread: 1,
    lastuid: 2,
    lastchange: 3,
    seenuids,
  });
  assert.deepEqual(
    planSeen([seen('a', '1:2'), seen('b', '1')], [seen('a', '1'), seen('b', '1'), seen('z', '9')]),
    [seen('a', '1:2')],
  );
});

test('seen state is sent for each field that differs, and not where all are the same', () => {
  const ours = { uniqueid: 'a', lastread: 1, lastuid: 2, lastchange: 3, seenuids: '1:2' };
  assert.deepEqual(planSeen([ours], [ours]), []);
  for (const field of ['lastread', 'lastuid', 'lastchange'] as const)
    for (const value of [0, 9])
      assert.deepEqual(planSeen([ours], [{ ...ours, [field]: value }]), [ours], field);
});

test('quota limits that differ are set, roots that are gone here are removed', () => {
  const here = new Map([
    ['same', limits('same', 10)],
    ['new', limits('new', 20)],
    ['gone', undefined],
    ['foreign', undefined],
  ]);
  const plan = planQuotas(here, [limits('same', 10), limits('gone', 1), limits('foreign', 1)]);
  assert.deepEqual(
    plan.set.map((quota) => quota.root),
    ['new'],
  );
  assert.deepEqual(plan.remove, ['gone', 'foreign']);
});

test('a quota of 0 and none are told apart, for each resource', () => {
  for (const resource of ['storage', 'messages', 'annotationStorage', 'folders'] as const) {
    const [none, nothing] = [limits('user.anna', -1), { ...limits('user.anna', -1), [resource]: 0 }];
    for (const [ours, theirs] of [
      [none, nothing],
      [nothing, none],
    ] as const) {
      assert.deepEqual(planQuotas(new Map([['user.anna', ours]]), [theirs]), { set: [ours], remove: [] });
    }
  }
});

test('a root that the master has is never removed, whether or not its mailboxes could be read', () => {
  const plan = planQuotas(new Map([['user.anna', limits('user.anna', 20)]]), [limits('user.anna', 10)]);
  assert.deepEqual(plan, { set: [limits('user.anna', 20)], remove: [] });
});

test('a root whose limits cannot be read is left alone', () => {
  assert.deepEqual(planQuotas(new Map(), [limits('user.anna', 10)]), { set: [], remove: [] });
});

test('sieve: an edited active script is uploaded and activated again', () => {
  const plan = planSieve({ source: 'directory', scripts: [script('a', '2')], active: 'a.bc' }, [
    there('a', '1'),
    active('a'),
  ]);
  assert.deepEqual(
    { upload: plan.upload.map((one) => one.filename), remove: plan.remove, activate: plan.activate },
    { upload: ['a.script'], remove: [], activate: 'a.bc' },
  );
});

test('sieve: deactivation on the master reaches the replica', () => {
  const plan = planSieve({ source: 'directory', scripts: [script('a', '1')], active: undefined }, [
    there('a', '1'),
    active('a'),
  ]);
  assert.equal(plan.activate, '');
  assert.deepEqual(plan.remove, []);
});

test('sieve: a script that is gone here is removed, equal ones are not touched', () => {
  const plan = planSieve({ source: 'directory', scripts: [script('a', '1')], active: 'a.bc' }, [
    there('a', '1'),
    there('b', '2'),
    active('a'),
  ]);
  assert.deepEqual(plan, { upload: [], remove: ['b.script'], activate: undefined });
});

test('sieve: what is left of a script that neither side has is removed, and what belongs to one is not touched', () => {
  const plan = planSieve({ source: 'directory', scripts: [script('a', '1')], active: 'a.bc' }, [
    there('a', '1'),
    active('a'),
    { ...active('left'), active: false },
  ]);
  assert.deepEqual(plan, { upload: [], remove: ['left.bc'], activate: undefined });
});
