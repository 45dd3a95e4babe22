import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { sendAnnotations } from '../../../src/replicate/jobs/send-annotations.ts';
import { stageSide } from '../../../src/replicate/merge/stage-side.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { Annotation } from '../../../src/store/master-store.ts';
import { EngineScene } from '../../lab/engine-scene.ts';
import { createdModseq } from '../../lab/memory-store.ts';

const refused = new SyncError('IMAP_REMOTE_DENIED', 'refused', { family: 'refused' });
/** Long enough for an error that nobody handles to be noticed, which fails the test. */
const nextTurn = (): Promise<void> => pause(0);

test('a message of a merge that is refused while the next one is read fails the merge, and not the process', async () => {
  const guids = ['a', 'b'].map((digit) => digit.repeat(40));
  const messages = guids.map((guid, index) => ({ guid, size: 1, uid: index + 1 }));
  const session = {
    window: async () => undefined,
    applyReserve: async () => new Set(guids),
    applyMessages: async () => {
      throw refused;
    },
  } as unknown as ReplicaSession;
  const records = messages.map(({ guid, size, uid }) => ({
    uid,
    modseq: uid,
    lastUpdated: 1,
    flags: [],
    internaldate: 1,
    size,
    guid,
    annotations: [createdModseq(uid)],
  }));
  const read = async (): Promise<Buffer> => {
    await nextTurn();
    return Buffer.from('x');
  };
  const line = { name: 'user.anna', partition: 'default' } as Parameters<typeof stageSide>[0]['line'];
  const work = {
    session,
    stage: new Stage(session),
    line,
    records,
    lastUid: 0,
    sources: [{ messages, read }],
    tell: session.applyMailbox,
  };
  await assert.rejects(stageSide(work), { code: 'IMAP_REMOTE_DENIED' });
});

test('an annotation that is refused while the next one waits for the window fails the action, and not the process', async () => {
  await using scene = await EngineScene.start();
  const annotations: Annotation[] = ['/a', '/b'].map((entry) => ({
    entry,
    userid: '',
    modseq: 1,
    value: 'x',
  }));
  scene.master.annotations.push(...annotations);
  const context = await scene.context();
  const session = new Proxy(context.session, {
    get: (target, key) => {
      if (key === 'window') return nextTurn;
      if (key === 'applyAnnotation') return async () => Promise.reject(refused);
      return Reflect.get(target, key);
    },
  });
  await assert.rejects(sendAnnotations({ ...context, session }, ''), { code: 'IMAP_REMOTE_DENIED' });
});
