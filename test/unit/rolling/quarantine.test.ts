import assert from 'node:assert/strict';
import test from 'node:test';
import { Metrics } from '../../../src/operate/metrics/metrics.ts';
import { nagiosVerdict } from '../../../src/operate/state/nagios-verdict.ts';
import { RunState } from '../../../src/operate/state/run-state.ts';
import { statusLines } from '../../../src/operate/state/status-lines.ts';
import type { ActionResult } from '../../../src/replicate/jobs/action.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import { backlogText } from '../../../src/report/words/rolling-lines.ts';
import { QUARANTINE_AFTER } from '../../../src/rolling/limits.ts';
import { failed, isUser, Site } from './site.ts';

/* Contract: whoever tells of a quarantine tells the same, and that it is over once the user is synced, whatever came between. */

const HOUR = 3_600_000;
const LOCKED: ActionResult = { kind: 'locked', user: 'anna' };

type Started = ReturnType<Site['start']>;

interface Scene {
  site: Site;
  daemon: Started['daemon'];
  /** The end of what is tried for anna; undefined: it is done. */
  result: ActionResult | undefined;
  /** In quarantine by the word of each who tells of it, and by the lines of the log. */
  quarantined(): Promise<Record<string, boolean>>;
}

const ABOUT = { server: 'replica', channel: undefined, spellMailbox: asItIs };

/** Anna is in quarantine, and the latest attempt was a failure. */
async function quarantinedAnna(site: Site): Promise<Scene> {
  site.resultOf = (action) => (isUser(action, 'anna') ? scene.result : undefined);
  const { daemon } = site.start();
  const state = new RunState({ ...ABOUT, rolling: true }, 0);
  const metrics = new Metrics('1', () => site.clock.now());
  metrics.add(undefined, () => state.view(site.clock.now()));
  let heard = 0;
  const scene: Scene = {
    site,
    daemon,
    result: failed(),
    quarantined: async () => {
      for (const event of site.events.slice(heard)) state.hear(event, site.clock.now());
      heard = site.events.length;
      const view = state.view(site.clock.now());
      const backlog = daemon.backlog();
      const { exitCode } = nagiosVerdict([{ name: 'rolling', view, backlog }], {
        ...{ warningSeconds: Number.POSITIVE_INFINITY, criticalSeconds: Number.POSITIVE_INFINITY },
      });
      const latest = site.logged().findLast((line) => /quarantine/.test(line));
      return {
        backlog: backlogText(backlog).includes('quarantined=<anna>'),
        status: statusLines(view).join().includes('in quarantine: anna'),
        metrics: (await metrics.text()).includes('cyrus_sync_quarantined_users{channel="default"} 1'),
        nagios: exitCode !== 0,
        log: latest?.includes('is in quarantine') ?? false,
      };
    },
  };
  await site.change({ type: 'USER', userid: 'anna' });
  await site.clock.advance(60_000);
  assert.deepEqual(await scene.quarantined(), all(true));
  return scene;
}

function all(isQuarantined: boolean): Record<string, boolean> {
  const [backlog, status, metrics, nagios, log] = new Array<boolean>(5).fill(isQuarantined);
  return { backlog, status, metrics, nagios, log } as Record<string, boolean>;
}

const between: Record<string, (scene: Scene) => Promise<void>> = {
  'a lock that the repair of an administrator holds': async (scene) => {
    scene.result = LOCKED;
    await scene.site.clock.advance(HOUR);
    scene.result = undefined;
  },
  'an order to skip the user': async ({ site, daemon }) => {
    daemon.skip('anna');
    await site.clock.advance(HOUR);
  },
  'a skipuser file': async ({ site }) => {
    site.skipped.add('anna');
    await site.clock.advance(HOUR);
  },
  'a lock, and fewer failures after it than make a quarantine': async (scene) => {
    const results = [LOCKED, failed(), LOCKED, failed()];
    scene.site.resultOf = (action) =>
      isUser(action, 'anna') ? (results.shift() ?? scene.result) : undefined;
    scene.result = LOCKED;
    await scene.site.clock.advance(HOUR);
    assert.deepEqual(results, []);
  },
};

for (const [what, happens] of Object.entries(between)) {
  test(`a quarantine lasts through ${what}, and is over for all who tell of it at the success`, async () => {
    using site = new Site();
    const scene = await quarantinedAnna(site);
    await happens(scene);
    assert.deepEqual(await scene.quarantined(), all(true));
    assert.equal(site.eventsOf('rolling:quarantined').length, 1);
    scene.result = undefined;
    site.skipped.clear();
    scene.daemon.unskip('anna');
    await site.clock.advance(HOUR);
    assert.deepEqual(site.behind(), []);
    assert.deepEqual(await scene.quarantined(), all(false));
    assert.equal(site.eventsOf('rolling:released').length, 1);
  });
}

test('after a lock one in quarantine is soon tried again, and fails with the pause that it had come to', async () => {
  using site = new Site();
  const scene = await quarantinedAnna(site);
  const [{ retryMs: before } = { retryMs: 0 }] = scene.daemon.backlog().quarantined;
  scene.result = LOCKED;
  await site.clock.advance(HOUR);
  const [locked] = scene.daemon.backlog().quarantined;
  assert.ok((locked?.retryMs ?? HOUR) <= 40_000);
  assert.equal(locked?.error?.code, 'IMAP_PROTOCOL_ERROR');
  scene.result = failed();
  await site.clock.advance(40_000);
  const delays = site.eventsOf('rolling:retry').map(({ delayMs }) => delayMs);
  assert.ok((delays.at(-1) ?? 0) > before);
});

test('failures count on while a quarantine lasts, and each who tells of them has the latest', async () => {
  using site = new Site();
  const { daemon } = await quarantinedAnna(site);
  await site.clock.advance(HOUR);
  const [quarantined] = daemon.backlog().quarantined;
  assert.ok((quarantined?.failures ?? 0) > QUARANTINE_AFTER);
  const state = new RunState({ ...ABOUT, rolling: true }, 0);
  for (const event of site.events) if (event.kind !== 'rolling:backlog') state.hear(event, 0);
  assert.equal(state.view(0).rolling?.quarantined[0]?.failures, quarantined?.failures);
});
