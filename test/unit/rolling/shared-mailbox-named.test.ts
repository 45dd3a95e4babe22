import assert from 'node:assert/strict';
import test from 'node:test';
import { type Controlled, controlAnswer } from '../../../src/operate/control/control-answer.ts';
import { parseControlRequest } from '../../../src/operate/control/control-request.ts';
import { HookFacts } from '../../../src/operate/hooks/hook-facts.ts';
import { RunState } from '../../../src/operate/state/run-state.ts';
import { logLines } from '../../../src/report/words/log-lines.ts';
import { failed, Site } from './site.ts';

const HOURS_MS = 2 * 3_600_000;

function spellMailbox(internal: string): string {
  return internal.replaceAll('.', '/');
}

const ABOUT = { channel: 'offsite', server: 'replica', spellMailbox };

test('a shared mailbox that fails is named as the administrator types it, by all who tell of it', async () => {
  using site = new Site();
  site.resultOf = () => failed();
  const { daemon } = site.start();
  await site.change({ type: 'MAILBOX', name: 'shared.news' });
  await site.clock.advance(HOURS_MS);
  const [retry] = site.eventsOf('rolling:retry');
  const [quarantined] = site.eventsOf('rolling:quarantined');
  assert.ok(retry && quarantined);

  for (const event of [retry, quarantined]) {
    const lines = logLines(event, { ...ABOUT, mode: 'users' });
    assert.match(lines.map(({ text }) => text).join(), /'shared\/news'/);
  }

  const hooks = new HookFacts({ ...ABOUT, run: 'r', lagLimitSeconds: 60 });
  assert.equal(hooks.callsFor(quarantined)[0]?.facts.CYRUS_SYNC_USER, 'shared/news');

  const state = new RunState({ ...ABOUT, rolling: true }, 0);
  for (const event of site.events) state.hear(event, 0);
  const view = state.view(0);
  assert.equal(view.rolling?.quarantined[0]?.user, 'shared/news');
  assert.equal(view.failures[0]?.user, 'shared/news');
  assert.equal(state.heldUp(9, 0)[0]?.user, 'shared/news');

  const steering = {
    backlog: () => daemon.backlog(),
    waiting: (most: number) => daemon.firstWaiting(most),
  };
  const run = { steering, spellMailbox, heldUp: (most: number) => state.heldUp(most, 0) };
  const ask = (line: string): string =>
    controlAnswer(parseControlRequest(line), run as unknown as Controlled);
  assert.match(ask('backlog'), /quarantined=<shared\/news>/);
  assert.match(ask('json backlog'), /"user":"shared\/news"/);
  assert.match(ask('users waiting'), /^shared\/news {2}\S/m);
});
