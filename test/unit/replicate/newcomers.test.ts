import assert from 'node:assert/strict';
import test from 'node:test';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { Newcomers } from '../../../src/replicate/folders/newcomers.ts';
import { entry } from '../../lab/engine-fakes.ts';

const INBOX = entry('user.anna');
const FOLDER = entry('user.anna.a');

function scene() {
  const newcomers = new Newcomers((name) => [INBOX, FOLDER].find((one) => one.name === name));
  const [own, other] = [{}, {}] as ReplicaSession[];
  assert.ok(own && other);
  const inbox = newcomers.add(INBOX);
  inbox.goesOver(own);
  return { inbox, folder: newcomers.add(FOLDER), own, other };
}

async function isSettled(promise: Promise<void> | undefined): Promise<boolean> {
  return (
    (await Promise.race([
      promise?.then(() => true),
      new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
    ])) ?? true
  );
}

test('behind the mailbox above, on the same connection, nothing is waited for', () => {
  const { inbox, folder, own } = scene();
  folder.goesOver(own);
  assert.equal(folder.aboveElsewhere, undefined);
  assert.equal(inbox.aboveElsewhere, undefined);
});

test('on another connection the mailbox above has to be there first', async () => {
  const { inbox, folder, other } = scene();
  folder.goesOver(other);
  assert.ok(folder.aboveElsewhere);
  assert.equal(await isSettled(folder.aboveElsewhere), false);
  inbox.isMade();
  assert.equal(await isSettled(folder.aboveElsewhere), true);
});

test('a mailbox above that does not come, or has come without a word, is not waited for', async () => {
  const failed = scene();
  failed.folder.goesOver(failed.other);
  failed.inbox.follow(Promise.reject(new Error('refused')));
  await failed.folder.aboveElsewhere;
  assert.equal(failed.folder.missing, INBOX.name);
  const unchanged = scene();
  unchanged.folder.goesOver(unchanged.other);
  unchanged.inbox.follow(Promise.resolve());
  await unchanged.folder.aboveElsewhere;
  assert.equal(unchanged.folder.missing, undefined);
});
