import assert from 'node:assert/strict';
import test from 'node:test';
import { findTwins } from '../../../src/replicate/folders/find-twins.ts';
import { replicated } from '../../../src/replicate/folders/replicated.ts';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import { spellNames } from '../../../src/report/name-in-text.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MailboxEntry } from '../../../src/store/master-store.ts';
import { externalName } from '../../../src/store/paths/external-name.ts';
import { entry } from '../../lab/engine-fakes.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** @returns pairs of names that have one uniqueid, for a master with these rows @param listed those that are asked about */
function twins(
  rows: readonly MailboxEntry[],
  listed: readonly MailboxEntry[] = rows,
  there: Record<string, string> = {},
): string[] {
  const store = {
    lookup: (name: string) => rows.find((row) => row.name === name),
    lookupUniqueid: (uniqueid: string) => rows.find((row) => row.uniqueid === uniqueid && !row.deleted),
  };
  return [...findTwins(store, listed, (uniqueid) => there[uniqueid])].map(
    ([{ name }, other]) => `${name} = ${other}`,
  );
}

const a = entry('user.anna.a', { uniqueid: 'one' });
const b = entry('user.bob.b', { uniqueid: 'one' });

test('two live names of one uniqueid are twins of each other, wherever the other is heard of', () => {
  assert.deepEqual(twins([a, b]), ['user.bob.b = user.anna.a', 'user.anna.a = user.bob.b']);
  assert.deepEqual(twins([b, a], [a]), ['user.anna.a = user.bob.b'], 'by the list of uniqueids');
  assert.deepEqual(twins([a, b], [a], { one: b.name }), ['user.anna.a = user.bob.b'], 'by the replica');
});

test('one name is no twin, nor one that is gone or another mailbox by now', () => {
  assert.deepEqual(twins([a]), []);
  assert.deepEqual(twins([a], [a], { one: a.name }), []);
  assert.deepEqual(twins([a], [a], { one: 'user.anna.former' }), [], 'renamed');
  assert.deepEqual(twins([a, { ...b, deleted: true }], [a, b]), []);
  assert.deepEqual(twins([{ ...a, deleted: true }, b], [a, b]), []);
  assert.deepEqual(twins([a, { ...b, uniqueid: 'two' }], [a, b], { one: b.name }), []);
});

test('rows whose uniqueid is not known are no twins', () => {
  const nameless = { uniqueid: '' };
  assert.deepEqual(twins([entry('user.anna.c', nameless), entry('user.anna.d', nameless)]), []);
});

test('mailboxes that the replica cannot take are left out, and told of where people have them', () => {
  const told: unknown[] = [];
  const context = (isNew: boolean) =>
    ({
      session: { info: { sieveMailbox: isNew, takesNotifications: isNew, longestName: 20 } },
      emit: (event: object) => told.push(event),
    }) as never;
  const names = (entries: MailboxEntry[], failures: Failures, isNew = true) =>
    replicated(context(isNew), entries, failures).map(({ name }) => name);
  const failures = new Failures('anna');
  const scripts = entry('user.anna.#sieve', { type: 'f' });
  assert.deepEqual(names([scripts], failures), [scripts.name]);
  assert.deepEqual(names([scripts], failures, false), []);
  const notes = entry('user.anna.notes', { type: 'j' });
  assert.deepEqual(names([notes], failures), [notes.name]);
  assert.deepEqual(names([notes], failures, false), []);
  const fitting = entry('user.anna.1234567890');
  const long = entry('user.anna.12345678901');
  const gone = entry('DELETED.user.anna.a.5F5E100', { inDeleted: true });
  assert.deepEqual(names([fitting, gone], failures), [fitting.name]);
  failures.throwIfAny();
  assert.deepEqual(names([fitting, long], failures), [fitting.name]);
  assert.throws(() => failures.throwIfAny(), { code: 'IMAP_MAILBOX_NOTSUPPORTED', mailbox: long.name });
  assert.deepEqual(told, [
    { kind: 'mailbox:unknown-there', name: notes.name },
    { kind: 'mailbox:name-too-long', name: gone.name, longestName: 20, inDeleted: true },
    { kind: 'mailbox:name-too-long', name: long.name, longestName: 20, inDeleted: false },
  ]);
});

test('two mailboxes of one uniqueid fail by their names, nothing is done about them there, and the rest is brought over', async () => {
  await using scene = await EngineScene.start();
  const { master } = scene;
  master.addUser('anna', ['a']);
  await scene.runUser('anna');
  const { uniqueid } = master.lookup('user.anna.a') ?? {};
  assert.ok(uniqueid);
  master.put('user.anna.b', { uniqueid, messages: ['another'] });
  master.put('user.anna.c', { messages: ['new'] });
  scene.events.length = 0;
  await assert.rejects(scene.runUser('anna'), (error) => {
    const { code, message } = SyncError.from(error);
    assert.equal(code, 'MAILBOX_DAMAGED');
    const spelled = spellNames(message, (name) => externalName({ unixhierarchysep: true }, name));
    assert.match(spelled, /^user\/anna\/[ab] and user\/anna\/[ab] are two mailboxes with one uniqueid/);
    return true;
  });
  const failed = scene.events.flatMap((event) => (event.kind === 'mailbox:failed' ? [event.name] : []));
  assert.deepEqual(failed.sort(), ['user.anna.a', 'user.anna.b']);
  assert.deepEqual(Object.keys(scene.replica.inspect().mailboxes).sort(), [
    'user.anna',
    'user.anna.a',
    'user.anna.c',
  ]);
});
