import assert from 'node:assert/strict';
import test from 'node:test';
import { checkSyncLog } from '../../../src/rolling/daemon/check-sync-log.ts';
import { goesToBackground } from '../../../src/rolling/daemon/goes-to-background.ts';

test('sync_log on and the channel listed: nothing to say', () => {
  assert.deepEqual(checkSyncLog({ syncLog: true, syncLogChannels: undefined }, undefined), []);
  assert.deepEqual(checkSyncLog({ syncLog: true, syncLogChannels: '""  far' }, undefined), []);
  assert.deepEqual(checkSyncLog({ syncLog: true, syncLogChannels: 'squatter far' }, 'far'), []);
});

test('sync_log off is warned about, with what to set', () => {
  const [warning, ...others] = checkSyncLog({ syncLog: false, syncLogChannels: undefined }, undefined);
  assert.match(warning?.text ?? '', /sync_log is off/);
  assert.match(warning?.hint ?? '', /"sync_log: yes"/);
  assert.deepEqual(others, []);
});

test('a channel that nobody writes is warned about, with the whole value to set', () => {
  const [warning] = checkSyncLog({ syncLog: true, syncLogChannels: 'squatter' }, 'far');
  assert.match(warning?.text ?? '', /channel far .*found: squatter/);
  assert.match(warning?.hint ?? '', /"sync_log_channels: squatter far"/);
});

test('a default log that is not written because only channels are listed is warned about', () => {
  const [warning] = checkSyncLog({ syncLog: true, syncLogChannels: 'far' }, undefined);
  assert.match(warning?.text ?? '', /the default channel/);
  assert.match(warning?.hint ?? '', /"sync_log_channels: far """/);
});

test('a channel with no sync_log_channels at all: the default log stays written', () => {
  const [warning] = checkSyncLog({ syncLog: true, syncLogChannels: undefined }, 'far');
  assert.match(warning?.hint ?? '', /"sync_log_channels: "" far"/);
});

test('-r goes to the background, unless cyrmaster runs it or -f names a file; -R and -1 never do', () => {
  const start = { rolling: 'background', inputFile: undefined, isDaemon: undefined } as const;
  assert.equal(goesToBackground(start), true);
  assert.equal(goesToBackground({ ...start, inputFile: 'x' }), false);
  assert.equal(goesToBackground({ ...start, isDaemon: '1' }), false);
  assert.equal(goesToBackground({ ...start, rolling: 'foreground' }), false);
  assert.equal(goesToBackground({ ...start, rolling: 'once' }), false);
});
