import assert from 'node:assert/strict';
import test from 'node:test';
import { RunState } from '../../../src/operate/state/run-state.ts';
import { standingText } from '../../../src/operate/state/standing.ts';
import type { ActionResult } from '../../../src/replicate/jobs/action.ts';
import { asItIs } from '../../../src/report/reasons.ts';
import { isUser, refused, Site } from './site.ts';

/* Contract: nobody is told to be held up who is not, whoever was tied to them. */

function heldUp(site: Site): string[] {
  const about = { server: 'replica', channel: undefined, spellMailbox: asItIs };
  const state = new RunState({ ...about, rolling: true }, 0);
  for (const event of site.events) state.hear(event, 0);
  return state.heldUp(9, 0).map(({ user, standing }) => `${user} ${standingText(standing)}`);
}

test('one of two who were tied is held up no longer once that one is replicated, whatever becomes of the other', async () => {
  using site = new Site();
  let result: ActionResult | undefined = { kind: 'locked', user: 'anna' };
  site.resultOf = (action) => {
    if (result?.kind === 'locked' || isUser(action, 'bert')) return result;
    return undefined;
  };
  site.start();
  await site.change({ type: 'RENAME', from: 'user.anna.Work', to: 'user.bert.Work' });
  await site.clock.advance(60_000);
  assert.deepEqual(heldUp(site), ['anna waiting-for-lock', 'bert waiting-for-lock']);

  result = { kind: 'failed', error: refused('IMAP_PROTOCOL_ERROR'), names: ['user.bert.Work'] };
  await site.clock.advance(60_000);
  assert.deepEqual(heldUp(site), ['bert waiting-to-retry: IMAP_PROTOCOL_ERROR: no']);
  const replicated = site.eventsOf('rolling:replicated').flatMap(({ users }) => users);
  assert.deepEqual(replicated, ['anna']);

  result = undefined;
  await site.clock.advance(600_000);
  assert.deepEqual(heldUp(site), []);
});
