import assert from 'node:assert/strict';
import test from 'node:test';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { SyncLog, TakenLog } from '../../../src/rolling/log/sync-log.ts';
import { Site } from './site.ts';

/* Contract: an end that is asked for comes before anything more is begun, and after the results of all that runs. */

/** A log during whose reading something happens. */
class LongLog extends ChannelLog {
  meanwhile: () => void | Promise<void> = () => {};

  override async take(...of: Parameters<SyncLog['take']>): Promise<TakenLog | undefined> {
    const taken = await super.take(...of);
    await this.meanwhile();
    return taken;
  }
}

function longLog(site: Site): LongLog {
  return new LongLog(site.file, (event) => site.events.push(event));
}

test('told to stop, it begins nothing of what it has read, ends at once, and leaves it in log-run', async () => {
  using site = new Site();
  await site.change({ type: 'MAILBOX', name: 'user.alice' });
  const log = longLog(site);
  const { daemon, ended } = site.start({}, { log });
  log.meanwhile = () => daemon.stop();
  await site.clock.advance(1);
  assert.deepEqual(ended(), { reason: 'signal', unfinished: 1, failures: [] });
  assert.deepEqual(site.begun, []);
  assert.deepEqual(site.linesOnDisk(), ['MAILBOX user.alice']);
});

test('a replica that goes away meanwhile ends it in the old way, and nothing is begun either', async () => {
  using site = new Site();
  await site.change({ type: 'MAILBOX', name: 'user.alice' });
  const log = longLog(site);
  const { daemon, ended } = site.start({ exitWhenReplicaGone: true }, { log });
  log.meanwhile = () => daemon.replicaClosedIdle();
  await site.clock.advance(1);
  assert.deepEqual(ended(), { reason: 'replica-gone', unfinished: 1, failures: [] });
  assert.deepEqual(site.begun, []);
});

test('units that end right behind each other are all taken before the end, whatever comes between', async () => {
  for (let between = 0; between < 30; between++) {
    using site = new Site();
    const finish: (() => void)[] = [];
    await site.change({ type: 'USER', userid: 'alice' }, { type: 'USER', userid: 'bob' });
    const { daemon, ended } = site.start(
      {},
      {
        run: async (unit) => {
          await new Promise<void>((resolve) => finish.push(resolve));
          return { results: unit.actions.map(() => ({ kind: 'done' })) };
        },
      },
    );
    await site.clock.advance(1);
    daemon.stop();
    await site.clock.advance(1);
    finish[0]?.();
    for (let job = 0; job < between; job++) await Promise.resolve();
    finish[1]?.();
    await site.clock.advance(1);
    assert.deepEqual(ended(), { reason: 'signal', unfinished: 0, failures: [] }, `${between} jobs between`);
  }
});
