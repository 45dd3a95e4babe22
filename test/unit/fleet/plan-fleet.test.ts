import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { FleetPlan } from '../../../src/fleet/planner/fleet-plan.ts';
import type { Inventory, SizedUser, WaveRule } from '../../../src/fleet/planner/inventory.ts';
import { LEAST_SLICE_SECONDS, planFleet } from '../../../src/fleet/planner/plan-fleet.ts';

const inventories: fc.Arbitrary<{ inventory: Inventory; users: Map<string, SizedUser[]> }> = fc
  .record({
    masters: fc.integer({ min: 1, max: 3 }),
    replicas: fc.integer({ min: 1, max: 3 }),
    space: fc.option(fc.integer({ min: 0, max: 10 ** 9 }), { nil: undefined }),
    sliceSeconds: fc.integer({ min: 10, max: 100 }),
    waves: fc.array(
      fc.record({ match: fc.subarray(['a*', 'b*', '*1']), by: fc.constantFrom('hash', 'least-full') }),
      { maxLength: 3 },
    ),
    sizes: fc.array(
      fc.record({
        user: fc.stringMatching(/^[a-c][0-9]{1,2}$/),
        master: fc.nat(),
        octets: fc.nat({ max: 10 ** 9 }),
        messages: fc.nat({ max: 10 ** 5 }),
      }),
      { maxLength: 120 },
    ),
  })
  .map(({ masters, replicas, space, sliceSeconds, waves, sizes }) => {
    const inventory = inventoryOf({
      masters,
      replicas,
      space,
      sliceSeconds,
      waves: waves.map(({ match, by }, at) => ({ name: `w${at}`, match, by: by as WaveRule['by'] })),
    });
    const users = new Map<string, SizedUser[]>(inventory.masters.map(({ name }) => [name, []]));
    for (const { user, master, octets, messages } of sizes) {
      const ofMaster = users.get(`m${master % masters}`) ?? [];
      if (!ofMaster.some((other) => other.user === user)) ofMaster.push({ user, octets, messages });
    }
    return { inventory, users };
  });

test('each user is in one slice, or is told why in none', () => {
  fc.assert(
    fc.property(inventories, ({ inventory, users }) => {
      const plan = planFleet(inventory, users);
      const moved = slicesOf(plan).flatMap((slice) => slice.users);
      assert.equal(new Set(moved).size, moved.length);
      const told = new Set(plan.unfit.map(({ user }) => user));
      assert.ok(moved.every((user) => !told.has(user)));
      const all = new Set([...users.values()].flat().map(({ user }) => user));
      assert.deepEqual(new Set([...moved, ...told]), all);
      assert.equal(plan.users, moved.length);
    }),
  );
});

test('who is named twice is told where: by one list, or by those of several masters', () => {
  const inventory = inventoryOf({ masters: 2, replicas: 1, waves: [{ name: 'all', match: ['*'] }] });
  const sized = (user: string): SizedUser => ({ user, octets: 1, messages: 1 });
  const lists = [[sized('anna'), sized('anna'), sized('bob')], [sized('bob')]];
  const { users, unfit } = planFleet(
    inventory,
    new Map(inventory.masters.map(({ name }, at) => [name, lists[at] ?? []])),
  );
  assert.equal(users, 0);
  assert.deepEqual(
    unfit.map(({ user, reason }) => [user, reason]),
    [
      ['anna', 'twice'],
      ['bob', 'twice'],
    ],
  );
  assert.match(unfit[0]?.detail ?? '', /^the list of its master names it more than once/);
  assert.match(unfit[1]?.detail ?? '', /^several masters have it/);
});

test('a slice is worth its way: only a pairing with less work than that has a smaller one', () => {
  fc.assert(
    fc.property(inventories, ({ inventory, users }) => {
      const slices = slicesOf(planFleet(inventory, users));
      for (const slice of slices) {
        if (slice.seconds >= LEAST_SLICE_SECONDS - 0.01) continue;
        const pairing = slices.filter(
          ({ wave, master, replica }) =>
            wave === slice.wave && master === slice.master && replica === slice.replica,
        );
        assert.equal(pairing.length, 1, `${slice.id} has ${slice.seconds} s`);
      }
    }),
  );
});

test('no replica is planned fuller than it has room for, and who finds none is told', () => {
  fc.assert(
    fc.property(inventories, ({ inventory, users }) => {
      const plan = planFleet(inventory, users);
      for (const { name, space } of inventory.replicas) {
        const planned = slicesOf(plan)
          .filter(({ replica }) => replica === name)
          .reduce((sum, { octets }) => sum + octets, 0);
        assert.ok(space === undefined || planned <= space, `${name}: ${planned} of ${space}`);
      }
    }),
  );
});

test('the slices of a wave come the largest first, and their sums are those of the wave', () => {
  fc.assert(
    fc.property(inventories, ({ inventory, users }) => {
      for (const { slices, octets } of planFleet(inventory, users).waves) {
        const seconds = slices.map((slice) => slice.seconds);
        assert.deepEqual(
          seconds,
          seconds.toSorted((one, other) => other - one),
        );
        assert.equal(
          slices.reduce((sum, slice) => sum + slice.octets, 0),
          octets,
        );
      }
    }),
  );
});

test('the same inventory and users make the same plan, whatever their order', () => {
  fc.assert(
    fc.property(inventories, ({ inventory, users }) => {
      const turned = new Map([...users].map(([name, sized]) => [name, sized.toReversed()]));
      assert.deepEqual(planFleet(inventory, turned).waves, planFleet(inventory, users).waves);
    }),
  );
});

test('a user belongs to the first wave that names it, and each wave to its replicas', () => {
  const inventory = inventoryOf({
    replicas: 2,
    waves: [
      { name: 'pilot', users: ['anna', 'nobody'], replicas: ['r1'] },
      { name: 'rest', match: ['a*', 'b*'], replicas: ['r0'] },
    ],
  });
  const plan = planFleet(inventory, new Map([['m0', ['anna', 'ada', 'bob', 'carl'].map(sized)]]));
  assert.deepEqual(
    plan.waves.map(({ name, slices }) => [name, slices.map(({ replica, users }) => [replica, users])]),
    [
      ['pilot', [['r1', ['anna']]]],
      ['rest', [['r0', ['ada', 'bob']]]],
    ],
  );
  assert.deepEqual(
    plan.unfit.map(({ user, reason }) => [user, reason]),
    [
      ['nobody', 'unknown'],
      ['carl', 'no-wave'],
    ],
  );
});

test('a user whom two masters have is moved from neither', () => {
  const inventory = inventoryOf({ masters: 2, waves: [{ name: 'all' }] });
  const plan = planFleet(
    inventory,
    new Map([
      ['m0', [sized('anna'), sized('bob')]],
      ['m1', [sized('anna')]],
    ]),
  );
  assert.deepEqual(
    slicesOf(plan).flatMap(({ users }) => users),
    ['bob'],
  );
  assert.deepEqual(
    plan.unfit.map(({ user, master, reason }) => [user, master, reason]),
    [['anna', 'm1', 'twice']],
  );
});

test('the time of a wave is that of its narrowest gate, of which hours leave a part of the day', () => {
  const users = new Map([
    ['m0', Array.from({ length: 8 }, (_, at) => ({ ...sized(`u${at}`), octets: 10 ** 8 }))],
  ]);
  const seconds = (slices: number, hours?: { from: number; to: number }): number => {
    const inventory = inventoryOf({ waves: [{ name: 'all' }], sliceSeconds: 10 });
    const replicas = inventory.replicas.map((replica) => ({ ...replica, slices, hours }));
    const masters = inventory.masters.map((master) => ({ ...master, slices: 100 }));
    return planFleet({ ...inventory, masters, replicas }, users).seconds;
  };
  const [one, two] = [seconds(1), seconds(2)];
  assert.ok(Math.abs(two * 2 - one) <= 1);
  assert.ok(Math.abs(seconds(1, { from: 0, to: 720 }) - one * 2) <= 1);
});

function inventoryOf({
  masters = 1,
  replicas = 1,
  space,
  sliceSeconds = 60,
  waves,
}: {
  masters?: number;
  replicas?: number;
  space?: number | undefined;
  sliceSeconds?: number;
  waves: readonly (Partial<WaveRule> & { name: string })[];
}): Inventory {
  const names = Array.from({ length: replicas }, (_, at) => `r${at}`);
  return {
    ...{ fleet: 'fleet', sliceSeconds, pace: { octetsPerSecond: 10 ** 7, messagesPerSecond: 1_000 } },
    masters: Array.from({ length: masters }, (_, at) => ({
      ...{ name: `m${at}`, server: undefined, settings: undefined, slices: 1, hours: undefined },
    })),
    replicas: names.map((name) => ({
      ...{ name, server: name, channel: undefined, slices: 1, connections: undefined },
      ...{ octetsPerSecond: undefined, space, hours: undefined },
    })),
    waves: waves.map((wave) => ({
      ...{ users: undefined, match: [], masters: [], replicas: names, by: 'least-full' },
      ...wave,
    })),
  };
}

function slicesOf(plan: FleetPlan) {
  return plan.waves.flatMap(({ slices }) => slices);
}

function sized(user: string): SizedUser {
  return { user, messages: 10, octets: 1_000 };
}
