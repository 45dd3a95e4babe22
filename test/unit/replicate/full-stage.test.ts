import assert from 'node:assert/strict';
import test from 'node:test';
import type { WireMailbox } from '../../../src/protocol/replica-session.ts';
import { Partitions } from '../../../src/replicate/connection/partitions.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Messages of a step, after which the stage is dropped. */
const STEP = 3;

function messages(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `message ${number}`);
}

// The folder that comes last holds the stage of the first connection, and waits for the one before it, which goes over the
// second and waits for the INBOX, whose next step waits for that stage.
test('a refusal ends a user whose folders are on their way over two connections with a full stage', async () => {
  await using scene = await EngineScene.start();
  const { master, replica } = scene;
  scene.options = { ...scene.options, batchSize: STEP };
  master.addUser('anna', [], { messages: messages(2 * STEP) });
  master.put('user.anna.Drafts', { messages: messages(4 * STEP) });
  master.put('user.anna.Sent', { messages: messages(1) });
  replica.inject({ on: 'APPLY MAILBOX', mailbox: 'user.anna', nth: 2, times: 9, do: 'no' });
  const own = await scene.context();
  const { session, partitions } = await scene.context();
  const lastIsRead = new Promise<void>((resolve) => {
    own.emit = (event) => {
      if (event.kind === 'command:mailbox' && event.name === 'user.anna.Sent') resolve();
    };
  });
  const late = new (class extends Partitions {
    /** Is asked once the INBOX is about to be uploaded. */
    override async ensure(line: WireMailbox): Promise<void> {
      await super.ensure(line);
      await lastIsRead;
    }
  })(own.session);
  const other = { session, partitions, stage: new Stage(session, STEP), [Symbol.dispose]: () => undefined };
  const stage = new Stage(own.session, STEP);
  const context = { ...own, stage, partitions: late, borrow: async () => other };
  await assert.rejects(runUser(context, 'anna'), { mailbox: 'user.anna' });
  assert.deepEqual(Object.keys(replica.inspect().mailboxes), ['user.anna']);
});
