import assert from 'node:assert/strict';
import test from 'node:test';
import { storeLayout } from '../../../src/cli/run-plan/store-layout.ts';
import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { EngineScene } from '../../lab/engine-scene.ts';
import { replicateAll, storeServedBy } from '../../lab/store-served-by.ts';
import { unpackFixture } from '../../lab/unpack-fixture.ts';

test('the same store read from disk and through a server gives the same APPLY lines', async () => {
  await using fixture = await unpackFixture();
  await using first = await EngineScene.start();
  await using second = await EngineScene.start();
  first.options = { ...first.options, conversations: true };
  second.options = { ...second.options, conversations: 'as-told' };
  const store = openMasterStore(storeLayout(readImapdConfig(fixture.configFile)));
  await replicateAll(first, store);
  const fromDisk = first.takeCommands();
  await replicateAll(second, storeServedBy(first));
  const fromServer = second.takeCommands();
  assert.ok(fromDisk.length > 300, `only ${fromDisk.length} commands`);
  assert.deepEqual(linesOf('MAILBOX', fromServer), linesOf('MAILBOX', fromDisk));
  assert.deepEqual(messagesOf(fromServer), messagesOf(fromDisk));
  assert.deepEqual(otherLines(fromServer), otherLines(fromDisk));

  await replicateAll(second, storeServedBy(first));
  assert.deepEqual(second.takeCommands(), [], 'and nothing when nothing has changed');
});

function linesOf(name: string, commands: readonly string[]): string[] {
  return commands.filter((line) => line.startsWith(`${name} `));
}

/** The order of commands, and how they are cut, depends on which answer comes first. */
function messagesOf(commands: readonly string[]): string[] {
  const heads = linesOf('MESSAGE', commands).flatMap((line) => [
    ...line.matchAll(/%\{\S+ [0-9a-f]{40} \d+\}/g),
  ]);
  return heads.map(([head]) => head).sort();
}

function otherLines(commands: readonly string[]): string[] {
  return commands.filter((line) => !/^(MAILBOX|MESSAGE|RESERVE) /.test(line)).sort();
}
