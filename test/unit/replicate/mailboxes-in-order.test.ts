import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Messages of a mailbox: three commands of them. */
const MESSAGES = 600;

test('the messages of one mailbox are sent before those of the next, so that it is made while these are on their way', async () => {
  await using scene = await EngineScene.start();
  const names = ['user.anna', 'user.anna.Sent', 'user.anna.Work'];
  const mailboxOf = new Map<string, string>();
  scene.master.addUser('anna', ['Sent', 'Work']);
  for (const name of names) {
    for (let number = 0; number < MESSAGES; number += 1) {
      const content = `${name} ${number}`;
      scene.master.append(name, content);
      mailboxOf.set(createHash('sha1').update(content).digest('hex'), name);
    }
  }
  await scene.runUser('anna');
  scene.assertSame('anna');
  const sent = scene.takeCommands().filter((text) => text.startsWith('MESSAGE '));
  const mailboxes = sent.map((text) => mailboxOf.get(text.match(/[0-9a-f]{40}/g)?.at(-1) ?? ''));
  assert.deepEqual(
    mailboxes,
    names.flatMap((name) => [name, name, name]),
  );
});
