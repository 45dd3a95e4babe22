import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Page } from 'playwright-core';
import { SyncError } from '../../src/report/sync-error.ts';
import { exampleFleet } from './example-fleet.ts';
import { PageScene, TOKEN, tellOfChannel, tellOfCopy } from './page-scene.ts';

/* Contract: the status page in a real browser shows what is true, takes orders from who has the token, asks nobody else for anything, and stays as large as it is. */

/** Where pictures are put, if somebody wants to look at them. */
const { PAGE_PICTURES: pictures } = process.env;

async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

/** As it is seen, rather than as it stands in the document. */
const textOf = async (page: Page, selector: string): Promise<string> =>
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not to be found
  await page.locator(selector).innerText();

const shows = async (page: Page, selector: string, text: string): Promise<void> =>
  await page.locator(selector, { hasText: text }).waitFor();

test('it shows who is at work, who failed and why, as text whatever a name is, and asks no other host', async () => {
  await using scene = await PageScene.open();
  tellOfCopy(scene);
  const page = await scene.page();
  assert.equal(await textOf(page, '#word'), 'copying');
  assert.match(await textOf(page, '#figures'), /57 of 400/);
  assert.match(await textOf(page, '#connections'), /anna/);
  await picture(page, 'copy');
  scene.tell({ kind: 'work:begun', key: 'user:x', connection: '1.1', users: ['<b>bold</b>'] });
  scene.pass(1);
  await shows(page, '#connections', '<b>bold</b>');
  assert.match(await textOf(page, '#users-table'), /bob\s+waiting-for-lock/);
  assert.match(await textOf(page, '#failures'), /MAILBOX_DAMAGED.*\(run reconstruct on this mailbox/);
  assert.match(await textOf(page, '#settings'), /compression\s+auto/);
  assert.equal(await page.locator('#rate-chart canvas').count(), 1);
  assert.deepEqual(scene.troubles(), []);
});

test('it follows what changes, by itself', async () => {
  await using scene = await PageScene.open();
  tellOfCopy(scene);
  const page = await scene.page();
  scene.tell({ kind: 'run:steered', what: 'pauses', reasons: ['pause file /run/quiet'] });
  scene.pass(1);
  await shows(page, '#word', 'throttled');
  assert.equal(await textOf(page, '#reason'), 'pause file /run/quiet');
  scene.tell({ kind: 'run:steered', what: 'pauses', reasons: [] }, { kind: 'run:stopping' });
  scene.pass(1);
  await shows(page, '#word', 'stopping');
  await scene.web[Symbol.asyncDispose]();
  await page.waitForSelector('#trouble:not([hidden])');
  assert.match(await textOf(page, '#trouble'), /does not answer/);
});

test('a channel is shown with its lag, its backlog and who is in quarantine; dark where the desktop is', async () => {
  await using scene = await PageScene.open({ rolling: true, channel: 'offsite' });
  tellOfChannel(scene);
  const page = await scene.page({ colorScheme: 'dark' });
  assert.match(await textOf(page, '#route'), /channel offsite/);
  assert.match(
    await textOf(page, '#users-table'),
    /dora\s+in quarantine\s+IMAP_REMOTE_DENIED: quota exceeded/,
  );
  for (const chart of ['rate', 'lag', 'backlog']) {
    assert.equal(await page.locator(`#${chart}-chart canvas`).count(), 1, chart);
  }
  const back = await page.evaluate('getComputedStyle(document.body).backgroundColor');
  assert.equal(back, 'rgb(18, 24, 27)');
  await picture(page, 'channel-dark');
  assert.deepEqual(scene.troubles(), []);
});

test('on the page of an agent stands the whole fleet: progress, waves, limits, agents, and who needs a person and why', async () => {
  await using scene = await PageScene.open();
  let view = exampleFleet();
  let isAway = false;
  scene.web.tellOfFleet(async () => {
    if (isAway)
      throw new SyncError('QUEUE_UNAVAILABLE', 'the queue redis://q does not answer', { retryable: true });
    return { fleet: 'autumn', ...view };
  });
  tellOfCopy(scene);
  const page = await scene.page();
  await shows(page, '#fleet-word', 'moving');
  assert.equal(await textOf(page, '#fleet-reason'), '5,120 of 8,000 users proven identical');
  assert.match(
    await textOf(page, '#fleet-figures'),
    /To do\s+2,877\s+Need a person\s+2\s.*Time left\s+2 h 5 min/s,
  );
  assert.match(await textOf(page, '#fleet-waves'), /pilot\s+done\s+120 of 120.*rest\s+5,000 of 7,880/s);
  assert.match(await textOf(page, '#fleet-gates'), /replica r2\s+0 of 4\s+paused/);
  assert.match(
    await textOf(page, '#fleet-agents'),
    /m2-host\s+no sign of life.*m1-host\s+at work.*rest\.m1\.r1/s,
  );
  assert.match(
    await textOf(page, '#fleet-needy'),
    /<i>eve<\/i>\s+rest\s+m1, r1\s+MAILBOX_DAMAGED: its index ends early \(Run reconstruct\).*its agents were lost too often/s,
  );
  assert.equal(await page.evaluate('document.getElementById("fleet-progress").value'), 5_121 / 8_000);
  await picture(page, 'fleet');
  view = { ...view, standing: 'paused' };
  scene.pass(3);
  await shows(page, '#fleet-word', 'paused');
  assert.deepEqual(scene.troubles(), []);
  isAway = true;
  scene.pass(3);
  await shows(page, '#fleet-word', 'no answer');
  assert.equal(await textOf(page, '#fleet-reason'), 'the queue redis://q does not answer');
  assert.equal(await textOf(page, '#word'), 'copying');
});

test('the page of a run that is no part of a fleet shows none, and asks for none', async () => {
  await using scene = await PageScene.open();
  tellOfCopy(scene);
  const page = await scene.page();
  assert.equal(await page.locator('#fleet').isHidden(), true);
  assert.deepEqual(scene.troubles(), []);
});

test('in a narrow window nothing is cut off', async () => {
  await using scene = await PageScene.open();
  scene.web.tellOfFleet(async () => ({ fleet: 'autumn', ...exampleFleet() }));
  tellOfCopy(scene);
  const page = await scene.page({ viewport: { width: 360, height: 740 } });
  await shows(page, '#fleet-word', 'moving');
  const [wide, seen] = await Promise.all([
    page.evaluate('document.documentElement.scrollWidth'),
    page.evaluate('document.documentElement.clientWidth'),
  ]);
  assert.equal(wide, seen);
  await picture(page, 'narrow');
});

test('by keyboard alone: the token, then pause, connections and a limit, each said and shown', async () => {
  await using scene = await PageScene.open();
  tellOfCopy(scene);
  const page = await scene.page();
  const reach = async (id: string): Promise<void> => {
    for (let step = 0; step < 30; step++) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate('document.activeElement.id')) === id) return;
    }
    assert.fail(`#${id} cannot be reached by keyboard`);
  };
  await reach('token');
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#orders:not([hidden])');
  await page.focus('#main');
  await reach('pause');
  await page.keyboard.press('Enter');
  await shows(page, '#answer', 'pause: done');
  await reach('resume');
  await page.keyboard.press('Space');
  await shows(page, '#answer', 'resume: done');
  await reach('workers');
  await page.keyboard.type('8');
  await page.keyboard.press('Enter');
  await shows(page, '#answer', 'workers: done');
  await reach('bwlimit');
  await page.keyboard.type('10M');
  await page.keyboard.press('Enter');
  await shows(page, '#answer', 'bwlimit: done');
  assert.deepEqual(scene.asked, [['pause'], ['resume'], ['connections', 8], ['bwlimit', 10 * 1_024 ** 2]]);
  await picture(page, 'control');
  assert.deepEqual(scene.troubles(), []);
});

test('a wrong token changes nothing, and is asked for again', async () => {
  await using scene = await PageScene.open();
  tellOfCopy(scene);
  const page = await scene.page();
  await page.fill('#token', 'another-token-of-many-characters');
  await page.click('#token-form button');
  await page.click('#pause');
  await page.waitForSelector('#token-form:not([hidden])');
  assert.match(await textOf(page, '#answer'), /expected the token/);
  assert.deepEqual(scene.asked, []);
});

test('a page of another origin can neither read nor change anything', async () => {
  await using scene = await PageScene.open();
  tellOfCopy(scene);
  const page = await scene.page();
  const url = scene.url.replace('127.0.0.1', 'localhost');
  await page.goto(`${url}healthz`);
  const outcomes = await page.evaluate(
    async ({ target, token }) => {
      const read = await fetch(`${target}status.json`).then(
        () => 'read',
        () => 'refused',
      );
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const body = JSON.stringify({ channel: null, order: 'pause' });
      const steer = await fetch(`${target}steer`, { method: 'POST', headers, body }).then(
        () => 'answered',
        () => 'refused',
      );
      const blind = { method: 'POST', mode: 'no-cors', body } as const;
      await fetch(`${target}steer`, blind).catch(() => {});
      return [read, steer];
    },
    { target: scene.url, token: TOKEN },
  );
  assert.deepEqual(outcomes, ['refused', 'refused']);
  assert.deepEqual(scene.asked, []);
});

test('a page left open for an hour does not grow', async () => {
  await using scene = await PageScene.open({ rolling: true, channel: 'offsite' });
  tellOfChannel(scene, 2);
  const page = await scene.page();
  await page.clock.install();
  await page.reload();
  await shows(page, '#version', '0.1.0');
  const inspector = await page.context().newCDPSession(page);
  const size = async (): Promise<Record<string, number>> => {
    await inspector.send('HeapProfiler.collectGarbage');
    const { nodes, jsEventListeners, documents } = await inspector.send('Memory.getDOMCounters');
    return { nodes, jsEventListeners, documents };
  };
  const minutes = async (count: number): Promise<void> => {
    for (let step = 0; step < count * 3; step++) {
      scene.tell({ kind: 'rolling:replicated', channel: 'offsite', users: ['anna'], lagMs: step });
      for (const seconds of [10, 10]) scene.pass(seconds);
      let asked = false;
      page.once('response', () => {
        asked = true;
      });
      // The page begins to wait for its next look only when it has shown the one before.
      while (!asked) await page.clock.runFor(5_000);
    }
  };
  await minutes(2);
  const early = await size();
  await minutes(58);
  const late = await size();
  // The collector may leave a few; what each look adds to comes to 174.
  const grown = Object.keys(late).filter((what) => (late[what] ?? 0) > (early[what] ?? 0) + 58);
  assert.deepEqual(grown, [], JSON.stringify({ early, late }));
  assert.deepEqual(scene.troubles(), []);
});
