import test from 'node:test';
import { storeLayout } from '../../../src/cli/run-plan/store-layout.ts';
import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import { PlanningStore } from '../../../src/plan/planning-store.ts';
import { openMasterStore } from '../../../src/store/open-master-store.ts';
import { EngineScene } from '../../lab/engine-scene.ts';
import { MemoryStore } from '../../lab/memory-store.ts';
import { fakeStore } from '../../lab/pool-fakes.ts';
import { replicateAll, storeServedBy } from '../../lab/store-served-by.ts';
import { unpackFixture } from '../../lab/unpack-fixture.ts';
import { type OpenStore, storeContents, storeNames } from './master-store-contracts.ts';

const fixture = await unpackFixture();
test.after(() => fixture.remove());
const layout = storeLayout(readImapdConfig(fixture.configFile));

async function onDisk(): Promise<OpenStore> {
  const store = openMasterStore(layout);
  return { store, [Symbol.asyncDispose]: async () => store.close() };
}

async function ofAPlan(): Promise<OpenStore> {
  const store = new PlanningStore(openMasterStore(layout));
  return { store, [Symbol.asyncDispose]: async () => store.close() };
}

async function inMemory(): Promise<OpenStore> {
  const store = new MemoryStore();
  store.addUser('anna', ['Sent', 'Sent.Old', 'Work']);
  store.addUser('bob', ['Drafts']);
  store.addUser('carl');
  store.put('shared.news', { messages: ['to all'] });
  store.put('user.bob.between', { entry: { intermediate: true } });
  for (const text of ['one', 'two', 'three', 'four', 'five']) store.append('user.anna.Work', text);
  store.expunge('user.anna.Work', 3);
  store.bury('user.anna.Sent.Old');
  store.rename('user.anna.Sent', 'DELETED.user.anna.Sent.6B04D978');
  store.subscribe('anna', 'user.anna');
  store.read('bob', 'another', '1:2');
  return { store, async [Symbol.asyncDispose]() {} };
}

async function ofTheCoordinator(): Promise<OpenStore> {
  const users = new Map([
    ['anna', 3],
    ['bob', 0],
  ]);
  return { store: fakeStore(users, ['shared.news']), async [Symbol.asyncDispose]() {} };
}

const scene = await EngineScene.start();
test.after(() => scene[Symbol.asyncDispose]());
await replicateAll(scene, openMasterStore(layout));

async function onAServer(): Promise<OpenStore> {
  const store = storeServedBy(scene);
  return { store, [Symbol.asyncDispose]: async () => store.close() };
}

storeNames('a store on disk', onDisk);
storeContents('a store on disk', onDisk);
storeNames('the store of a plan', ofAPlan);
storeNames('the store in memory', inMemory);
storeContents('the store in memory', inMemory);
storeNames("the coordinator's fake", ofTheCoordinator);
storeNames('a store behind a server', onAServer);
storeContents('a store behind a server', onAServer);
