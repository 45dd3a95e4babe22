import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type Claim,
  type FleetQueue,
  LOST_TOO_OFTEN,
  type Pairing,
  type QueueRules,
  type SliceState,
} from '../../../src/fleet/queue/fleet-queue.ts';
import { until } from '../../lab/until.ts';
import { LANE, resultOf, sliceOf, slicesOf } from './slices.ts';

/** A database with nothing of a fleet in it. */
export interface QueueScene extends AsyncDisposable {
  /** Each call is as another process would: a handle of its own. */
  open(rules: QueueRules): Promise<FleetQueue>;
}

/** Leases that nobody lets run out in these tests. */
const LONG: QueueRules = { leaseMs: 60_000, attempts: 3, retryMs: 1, losses: 2, patienceMs: 30_000 };
/** Leases that do. */
const SHORT: QueueRules = { ...LONG, leaseMs: 400 };
/** Leases of whoever looks soon for those that ran out, and needs some seconds itself on a busy machine. */
const LOOKING: QueueRules = { ...LONG, leaseMs: 5_000 };

/** The contract of every queue of a fleet. */
export function queueContract(who: string, start: () => Promise<QueueScene>): void {
  const contract = (
    what: string,
    body: (queue: FleetQueue, scene: QueueScene) => Promise<void>,
    rules = LONG,
  ): void => {
    test(`${who}: ${what}`, async () => {
      await using scene = await start();
      await using queue = await scene.open(rules);
      await queue.limit('master/m1', 100);
      await queue.limit('replica/r1', 100);
      await body(queue, scene);
    });
  };

  contract('slices of a pairing come in the order in which they were added, each once', async (queue) => {
    assert.equal(await queue.add(slicesOf(5)), 5);
    const claims = await claimAll(queue, [LANE]);
    assert.deepEqual(
      claims.map(({ slice }) => slice),
      slicesOf(5),
    );
    assert.deepEqual(
      claims.map(({ attempt }) => attempt),
      [1, 1, 1, 1, 1],
    );
  });

  contract('to add the same again changes nothing, whatever has become of them', async (queue) => {
    await queue.add(slicesOf(3));
    const [first] = [await queue.claim([LANE], 'agent')];
    assert.ok(await first?.finish(resultOf(sliceOf('s0'))));
    await queue.claim([LANE], 'agent');
    assert.equal(await queue.add(slicesOf(4)), 1);
    assert.deepEqual(await states(queue), { s0: 'done', s1: 'active', s2: 'waiting', s3: 'waiting' });
  });

  contract('only slices of the pairings that were asked for are given', async (queue) => {
    await openGates(queue);
    await queue.add([sliceOf('here', LANE), sliceOf('there', OTHER)]);
    assert.deepEqual(idsOf(await claimAll(queue, [OTHER])), ['there']);
    assert.equal(await queue.claim([OTHER], 'agent'), undefined);
    assert.deepEqual(idsOf(await claimAll(queue, [OTHER, LANE])), ['here']);
  });

  contract('no gate lets in more than its limit, however many ask at once', async (queue, scene) => {
    await openGates(queue);
    await queue.limit('replica/r1', 3);
    await queue.add([
      ...slicesOf(6),
      ...slicesOf(6, OTHER).map((slice) => ({ ...slice, id: `o${slice.id}` })),
    ]);
    await using other = await scene.open(LONG);
    const asked = Array.from({ length: 12 }, (_, at) =>
      (at % 2 === 0 ? queue : other).claim([LANE, OTHER], `agent${at}`),
    );
    let held = (await Promise.all(asked)).filter((claim) => claim !== undefined);
    assert.ok(held.length <= 3, `${held.length} held`);
    // Whoever met another at the gate asks again.
    held = [...held, ...(await claimAll(queue, [LANE, OTHER]))];
    assert.equal(held.length, 3);
    assert.equal((await gate(queue, 'replica/r1'))?.held, 3);
    await queue.limit('replica/r1', 5);
    held = [...held, ...(await claimAll(other, [LANE, OTHER]))];
    assert.equal(held.length, 5);
    await queue.limit('replica/r1', 1);
    for (const claim of held.splice(0, 4)) assert.ok(await claim.finish(resultOf(claim.slice)));
    assert.equal(await queue.claim([LANE, OTHER], 'agent'), undefined);
    assert.ok(await held[0]?.finish(resultOf(sliceOf('any'))));
    assert.equal((await claimAll(queue, [LANE, OTHER])).length, 1);
  });

  contract('the gate of a master counts its slices for all replicas', async (queue) => {
    const elsewhere: Pairing = { master: 'm1', replica: 'r2' };
    await queue.limit('replica/r2', 100);
    await queue.limit('master/m1', 1);
    await queue.add([sliceOf('one', LANE), sliceOf('two', elsewhere)]);
    const [claim, ...more] = await claimAll(queue, [LANE, elsewhere]);
    assert.deepEqual(more, []);
    assert.ok(await claim?.finish(resultOf(claim.slice)));
    assert.equal((await claimAll(queue, [LANE, elsewhere])).length, 1);
  });

  contract(
    'a gate that is paused lets nobody in, those inside stay, and it can be opened again',
    async (queue) => {
      await queue.add(slicesOf(2));
      const inside = await queue.claim([LANE], 'agent');
      await queue.pause('replica/r1');
      assert.equal(await queue.claim([LANE], 'agent'), undefined);
      assert.equal((await gate(queue, 'replica/r1'))?.paused, true);
      assert.ok(await inside?.renew());
      await queue.resume('replica/r1');
      assert.deepEqual(idsOf(await claimAll(queue, [LANE])), ['s1']);
      await queue.pause('replica/r1');
      assert.ok(await inside?.finish(resultOf(sliceOf('s0'))));
    },
  );

  contract('what is done is told with its result and its agent', async (queue) => {
    await queue.add(slicesOf(1));
    const claim = await queue.claim([LANE], 'the agent');
    assert.ok(claim);
    assert.ok(await claim.finish(resultOf(claim.slice, 'the agent')));
    assert.equal(await claim.renew(), false);
    assert.equal(await claim.finish(resultOf(claim.slice)), false);
    const [record] = await queue.slices();
    assert.deepEqual(record?.result, resultOf(claim.slice, 'the agent'));
    assert.equal(record?.agent, 'the agent');
  });

  contract(
    'a slice that could not be done comes again, and is failed after the last attempt',
    async (queue) => {
      await queue.add(slicesOf(1));
      for (const attempt of [1, 2, 3]) {
        const claim = await claimSoon(queue);
        assert.equal(claim.attempt, attempt);
        assert.ok(await claim.fail(`for the ${attempt}. time`));
        assert.equal(await claim.renew(), false);
      }
      assert.deepEqual(await states(queue), { s0: 'failed' });
      assert.equal((await queue.slices())[0]?.reason, 'for the 3. time');
      assert.equal(await queue.claim([LANE], 'agent'), undefined);
    },
  );

  contract('a slice that is given back is there at once, and has lost no attempt', async (queue) => {
    await queue.add(slicesOf(1));
    const claim = await queue.claim([LANE], 'agent');
    assert.ok(await claim?.release());
    assert.equal(await claim?.renew(), false);
    const again = await queue.claim([LANE], 'other');
    assert.equal(again?.attempt, 1);
    assert.equal(await claim?.finish(resultOf(sliceOf('s0'))), false);
    assert.ok(await again?.finish(resultOf(sliceOf('s0'))));
  });

  contract('what waits or is under way is left, in the pairings that were asked for', async (queue) => {
    await openGates(queue);
    await queue.add([...slicesOf(3), sliceOf('there', OTHER)]);
    await queue.add([sliceOf('later')], 60_000);
    const claim = await queue.claim([LANE], 'agent');
    assert.deepEqual([await queue.left([LANE]), await queue.left([LANE, OTHER])], [4, 5]);
    assert.ok(await claim?.finish(resultOf(sliceOf('s0'))));
    assert.deepEqual([await queue.left([LANE]), await queue.left([])], [3, 0]);
  });

  contract('what is added for later waits until then', async (queue) => {
    await queue.add([sliceOf('much later')], 60_000);
    await queue.add([sliceOf('now')]);
    assert.deepEqual(idsOf(await claimAll(queue, [LANE])), ['now']);
    await queue.add([sliceOf('soon')], 1);
    assert.equal((await claimSoon(queue)).slice.id, 'soon');
    assert.deepEqual(await states(queue), { 'much later': 'waiting', now: 'active', soon: 'active' });
  });

  contract(
    'a lease that is renewed is kept, one that is not goes to somebody else, and its holder hears of it',
    async (queue, scene) => {
      await queue.add(slicesOf(2));
      const kept = await queue.claim([LANE], 'alive');
      await using stopped = await scene.open(SHORT);
      const lost = await stopped.claim([LANE], 'stopped');
      await using other = await scene.open(LOOKING);
      let taken: Claim | undefined;
      await until('the lost slice is taken over', async () => {
        assert.ok(await kept?.renew());
        taken = await other.claim([LANE], 'other');
        return taken !== undefined;
      });
      assert.equal(taken?.slice.id, lost?.slice.id);
      assert.equal(await lost?.renew(), false);
      assert.equal(await lost?.finish(resultOf(sliceOf('s1'))), false);
      assert.equal(await lost?.release(), false);
      assert.ok(await taken?.finish(resultOf(sliceOf('s1'), 'other')));
      assert.ok(await kept?.finish(resultOf(sliceOf('s0'))));
      await until('the place that was lost is free', async () => {
        return (await gate(queue, 'replica/r1'))?.held === 0;
      });
    },
  );

  contract(
    'a slice whose agents are lost again and again ends as failed, and its place at the gate is free',
    async (queue) => {
      await queue.limit('replica/r1', 1);
      await queue.add(slicesOf(2));
      let claims = 0;
      await until('the slice that kills its agents is failed', async () => {
        const claim = await queue.claim([LANE], 'victim');
        if (claim?.slice.id === 's0') claims += 1;
        else if (claim) await claim.release();
        return (await states(queue)).s0 === 'failed';
      });
      assert.equal(claims, SHORT.losses + 1);
      const failed = (await queue.slices()).find(({ state }) => state === 'failed');
      assert.equal(failed?.reason, LOST_TOO_OFTEN);
      await until('the gate is free', async () => {
        const claim = await queue.claim([LANE], 'agent');
        return claim?.slice.id === 's1';
      });
    },
    SHORT,
  );

  contract('what was acknowledged is there for whoever comes later', async (queue, scene) => {
    await queue.add(slicesOf(2));
    await queue.claim([LANE], 'agent');
    await queue.limit('replica/r1', 7);
    await queue.note('plan', { waves: ['first'] });
    await using later = await scene.open(LONG);
    assert.deepEqual(await states(later), { s0: 'active', s1: 'waiting' });
    assert.equal((await gate(later, 'replica/r1'))?.limit, 7);
    assert.deepEqual((await later.notes('plan')).get('plan'), { waves: ['first'] });
  });

  contract(
    'notes are written over, found by their kind and the beginning of their key, and forgotten',
    async (queue) => {
      await queue.note('agent/one', { at: 1 });
      await queue.note('agent/two', { at: 1 });
      await queue.note('agent/one', { at: 2 });
      await queue.note('cancelled/anna', true);
      assert.deepEqual(
        new Map([...(await queue.notes('agent/'))].sort()),
        new Map([
          ['agent/one', { at: 2 }],
          ['agent/two', { at: 1 }],
        ]),
      );
      assert.deepEqual([...(await queue.notes('agent/t')).keys()], ['agent/two']);
      assert.deepEqual(
        [await queue.noted('agent/one'), await queue.noted('agent/three')],
        [{ at: 2 }, undefined],
      );
      await queue.forget('agent/one');
      await queue.forget('nothing');
      assert.deepEqual([...(await queue.notes('agent/')).keys()], ['agent/two']);
      assert.equal((await queue.slices()).length, 0);
    },
  );
}

const OTHER: Pairing = { master: 'm2', replica: 'r1' };

async function openGates(queue: FleetQueue): Promise<void> {
  await queue.limit('master/m2', 100);
}

async function claimAll(queue: FleetQueue, pairings: readonly Pairing[]): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (;;) {
    const claim = await queue.claim(pairings, 'agent');
    if (claim === undefined) return claims;
    claims.push(claim);
  }
}

async function claimSoon(queue: FleetQueue): Promise<Claim> {
  let claim: Claim | undefined;
  await until('a slice can be claimed', async () => {
    claim = await queue.claim([LANE], 'agent');
    return claim !== undefined;
  });
  assert.ok(claim);
  return claim;
}

function idsOf(claims: readonly Claim[]): string[] {
  return claims.map(({ slice }) => slice.id);
}

async function states(queue: FleetQueue): Promise<Record<string, SliceState>> {
  return Object.fromEntries((await queue.slices()).map(({ slice, state }) => [slice.id, state]));
}

async function gate(queue: FleetQueue, name: string) {
  return (await queue.gates()).find((one) => one.name === name);
}
