import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { CUT_GRACE_MS, DRAIN_GRACE_MS } from '../../../src/coordinator/limits.ts';
import { SHUTDOWN_POLL_MS } from '../../../src/rolling/limits.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { syncLogPath } from '../../../src/rolling/log/sync-log.ts';
import { Channel } from './channel.ts';

/*
 * Contract: the job of a full pass has at the end the time that units have, and no more: then its connection is cut, and if
 * that does not end it either, it is left behind. However the end was asked for.
 */

const HOUR_MS = 3_600_000;

/** A channel that has just begun to compare anna, with bert to come, and whose replica says nothing more. */
class Comparing extends Channel {
  readonly shutdownFile = join(this.directory, 'shutdown');

  static async begin(options: Parameters<Channel['start']>[1] = {}): Promise<Comparing> {
    const channel = new Comparing();
    for (const user of ['anna', 'bert']) channel.store.addUser(user);
    channel.comparing = () =>
      new Promise((resolve) => {
        channel.onCut = resolve;
      });
    const { shutdownFile } = channel;
    await channel.start({ fullPassMs: HOUR_MS, shutdownFile }, { repeatIntervalMs: HOUR_MS, ...options });
    await channel.clock.advance(HOUR_MS / 2);
    assert.deepEqual([channel.users, channel.ended], [['anna'], undefined]);
    return channel;
  }

  get users(): string[] {
    return this.compared.map(({ user }) => user);
  }

  /** Until the very moment at which it is seen. */
  async showShutdownFile(): Promise<void> {
    writeFileSync(this.shutdownFile, '');
    for (let waited = 0; existsSync(this.shutdownFile); waited++) {
      assert.ok(waited < SHUTDOWN_POLL_MS, 'it is not looked for');
      await this.clock.advance(1);
    }
  }

  /** @param reason of the end that was asked for this very moment */
  async assertCutInTime(reason: string): Promise<void> {
    await this.clock.advance(DRAIN_GRACE_MS - 1);
    assert.deepEqual([this.orders, this.ended], [[], undefined]);
    await this.clock.advance(1);
    assert.deepEqual([this.orders, this.users], [['cut', 'close'], ['anna']]);
    assert.deepEqual(this.ended, { reason, unfinished: 0, failures: [] });
  }
}

test('TERM: a replica that says nothing about who is compared is waited for as long as for any user', async () => {
  using channel = await Comparing.begin();
  channel.stop();
  await channel.assertCutInTime('signal');
});

test('TERM: a job that waits because the channel is paused is cut, though the pause never ends', async () => {
  using channel = await Comparing.begin();
  channel.steering?.pause({ by: 'operator', reason: 'maintenance' });
  await channel.clock.advance(HOUR_MS);
  channel.stop();
  await channel.assertCutInTime('signal');
});

test('the order to stop ends it as TERM does', async () => {
  using channel = await Comparing.begin();
  channel.steering?.stop();
  await channel.assertCutInTime('signal');
});

test('the shutdown file ends it in the same time, counted from when it is seen', async () => {
  using channel = await Comparing.begin();
  await channel.showShutdownFile();
  await channel.assertCutInTime('shutdown-file');
});

test('a replica that goes away ends it in the same time where the process is to end with it', async () => {
  using channel = await Comparing.begin({ exitWhenReplicaGone: true });
  channel.closeIdle();
  await channel.assertCutInTime('replica-gone');
});

test('who is compared may come to the end, and nobody is compared after that', async () => {
  using channel = await Comparing.begin();
  channel.stop();
  await channel.clock.advance(DRAIN_GRACE_MS - 1);
  assert.deepEqual([channel.orders, channel.ended], [[], undefined]);
  channel.onCut();
  await channel.clock.advance(0);
  assert.deepEqual([channel.orders, channel.users], [['close'], ['anna']]);
  assert.equal(channel.ended?.reason, 'signal');
});

test('a job that does not even end without its connection is left behind', async () => {
  using channel = await Comparing.begin();
  channel.comparing = () => new Promise(() => {});
  channel.onCut = () => {};
  await channel.showShutdownFile();
  await channel.clock.advance(DRAIN_GRACE_MS + CUT_GRACE_MS - 1);
  assert.deepEqual([channel.orders, channel.ended], [['cut'], undefined]);
  await channel.clock.advance(1);
  assert.deepEqual(channel.orders, ['cut', 'close']);
  assert.equal(channel.ended?.reason, 'shutdown-file');
});

test('nobody is compared any more while units are waited for, after the shutdown file was seen', async () => {
  using channel = new Channel();
  channel.store.addUser('anna');
  const shutdownFile = join(channel.directory, 'shutdown');
  await appendToLog(syncLogPath(channel.directory, undefined), [{ type: 'USER', userid: 'carl' }]);
  await channel.start({ fullPassMs: HOUR_MS, shutdownFile }, { repeatIntervalMs: 60_000 });
  writeFileSync(shutdownFile, '');
  await channel.clock.advance(2 * HOUR_MS);
  assert.deepEqual([channel.compared, channel.ended], [[], undefined]);
  channel.finish();
  await channel.clock.advance(1);
  assert.equal(channel.ended?.reason, 'shutdown-file');
});
