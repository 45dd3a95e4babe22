import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Sandbox } from '../../../src/sandbox/start-sandbox.ts';
import { mailboxCrc } from '../../../src/sandbox/storage/checksums.ts';
import type { ScriptClient } from '../../lab/script-client.ts';
import {
  expectedCrc,
  guidOf,
  mailboxCommand,
  type TestRecord,
  upload,
  withSandbox,
} from '../../lab/with-sandbox.ts';

/**
 * Random valid replications against a model that is a few maps. Every command must be accepted, its CRCs included, and
 * in the end the sandbox must hold exactly what the model holds: no record, flag or message more or less.
 */

interface ModelMailbox {
  uniqueid: string;
  highestmodseq: number;
  lastUid: number;
  records: Map<number, TestRecord>;
}

interface Model {
  mailboxes: Map<string, ModelMailbox>;
  /** By the uniqueid of the INBOX, which a renamed one takes along; by the userid before there is one. */
  subscriptions: Map<string, Set<string>>;
  /** Uniqueid of the latest mailbox that was anna's INBOX. */
  home: string | undefined;
  modseq: number;
  made: number;
}

type Step = (client: ScriptClient, model: Model) => Promise<void>;

const NAMES = ['user.anna', 'user.anna.a', 'user.anna.a.b', 'user.bob', 'DELETED.user.anna.a.6B04'];
const INBOX = 'user.anna';
const FLAGS = ['\\Seen', '\\Flagged', '\\Deleted', 'Foo', '$Bar'];

const name = fc.constantFrom(...NAMES);
const flags = fc.uniqueArray(fc.constantFrom(...FLAGS));

function subscriptionsOf(model: Model): Set<string> {
  const home = model.home ?? 'anna';
  const own = model.subscriptions.get(home) ?? new Set();
  model.subscriptions.set(home, own);
  return own;
}

async function accept(client: ScriptClient, ...parts: string[]): Promise<void> {
  const { final } = await client.say(...parts);
  assert.equal(final, 'OK success', parts.join(''));
}

async function applyDelta(
  client: ScriptClient,
  model: Model,
  at: string,
  changed: TestRecord[],
): Promise<void> {
  const mailbox = model.mailboxes.get(at);
  assert.ok(mailbox !== undefined);
  const before = mailbox.highestmodseq;
  const since = expectedCrc([...mailbox.records.values()]);
  mailbox.highestmodseq = model.modseq;
  for (const record of changed) {
    mailbox.records.set(record.uid, record);
    mailbox.lastUid = Math.max(mailbox.lastUid, record.uid);
  }
  const { uniqueid, highestmodseq, lastUid } = mailbox;
  const crc = expectedCrc([...mailbox.records.values()]);
  const base = before === 0 ? {} : { since: [before, ...since] as [number, number, number] };
  await accept(
    client,
    mailboxCommand({ name: at, uniqueid, highestmodseq, lastUid, records: changed, crc, ...base }),
  );
}

const append = fc.tuple(name, fc.array(fc.tuple(fc.nat({ max: 12 }), flags), { maxLength: 5 })).map(
  ([at, messages]): Step =>
    async (client, model) => {
      if (!model.mailboxes.has(at)) {
        const uniqueid = `u${model.made++}`;
        if (at === INBOX) model.home = uniqueid;
        model.mailboxes.set(at, { uniqueid, highestmodseq: 0, lastUid: 0, records: new Map() });
      }
      const contents = messages.map(([content]) => `content ${content}`);
      const names = [...model.mailboxes.keys()].join(' ');
      const guids = contents.map(guidOf).join(' ');
      const reserve = `APPLY RESERVE %(PARTITION default MBOXNAME (${names}) GUID (${guids}))`;
      const { untagged } = await client.say(reserve);
      const missing = new Set(/\((.*)\)/.exec(untagged[0] ?? '')?.[1]?.split(' ') ?? []);
      await upload(
        client,
        [...new Set(contents)].filter((content) => missing.has(guidOf(content))),
      );
      const lastUid = model.mailboxes.get(at)?.lastUid ?? 0;
      model.modseq++;
      const records = messages.map(([, set], index) => {
        const content = contents[index] ?? '';
        const { modseq } = model;
        return { uid: lastUid + 1 + index, modseq, guid: guidOf(content), size: content.length, flags: set };
      });
      await applyDelta(client, model, at, records);
    },
);

const change = fc.tuple(name, fc.nat(), flags, fc.boolean(), fc.string({ maxLength: 5 })).map(
  ([at, pick, set, expunge, comment]): Step =>
    async (client, model) => {
      const live = [...(model.mailboxes.get(at)?.records.values() ?? [])].filter(
        (record) => record.flags?.includes('\\Expunged') !== true,
      );
      const record = live[pick % Math.max(live.length, 1)];
      if (record === undefined) return;
      model.modseq++;
      const annotations =
        comment === '' ? [] : [{ entry: '/comment', value: Buffer.from(comment).toString('latin1') }];
      const changed = { ...record, modseq: model.modseq, flags: expunge ? [...set, '\\Expunged'] : set };
      // The plain rule of world.ts hashes text, not octets: keep to ASCII.
      const ascii = annotations.filter(({ value }) => /^[ -~]+$/.test(value));
      await applyDelta(client, model, at, [{ ...changed, annotations: ascii }]);
    },
);

const rename = fc.tuple(name, name).map(
  ([from, to]): Step =>
    async (client, model) => {
      const mailbox = model.mailboxes.get(from);
      if (mailbox === undefined || model.mailboxes.has(to)) return;
      model.mailboxes.delete(from);
      model.mailboxes.set(to, mailbox);
      if (to === INBOX) model.home = mailbox.uniqueid;
      await accept(
        client,
        `APPLY RENAME %(OLDMBOXNAME ${from} NEWMBOXNAME ${to} PARTITION default UIDVALIDITY 7)`,
      );
    },
);

const remove = name.map(
  (at): Step =>
    async (client, model) => {
      if (model.mailboxes.delete(at)) await accept(client, `APPLY UNMAILBOX ${at}`);
    },
);

const subscribe = fc.tuple(name, fc.boolean()).map(
  ([at, on]): Step =>
    async (client, model) => {
      const own = subscriptionsOf(model);
      if (on) own.add(at);
      else own.delete(at);
      await accept(client, `APPLY ${on ? 'SUB' : 'UNSUB'} %(USERID anna MBOXNAME ${at})`);
    },
);

const restart = fc.constant<Step>(async (client) => {
  assert.equal((await client.say('RESTART')).final, 'OK Restarting');
});

const steps = fc.array(
  fc.oneof(
    { arbitrary: append, weight: 4 },
    { arbitrary: change, weight: 4 },
    { arbitrary: rename, weight: 1 },
    { arbitrary: remove, weight: 1 },
    { arbitrary: subscribe, weight: 1 },
    { arbitrary: restart, weight: 1 },
  ),
  { minLength: 5, maxLength: 25 },
);

function assertHolds(sandbox: Sandbox, model: Model): void {
  const { mailboxes, contents } = sandbox.inspect();
  assert.deepEqual(Object.keys(mailboxes).sort(), [...model.mailboxes.keys()].sort());
  const guids = new Set<string>();
  for (const [at, expected] of model.mailboxes) {
    const found = mailboxes[at];
    assert.ok(found !== undefined);
    assert.deepEqual(
      [found.uniqueid, found.highestmodseq, found.lastUid],
      [expected.uniqueid, expected.highestmodseq, expected.lastUid],
    );
    const plain = (record: TestRecord) => ({
      uid: record.uid,
      modseq: record.modseq,
      guid: record.guid,
      size: record.size,
      flags: [...(record.flags ?? [])].sort(),
      annotations: (record.annotations ?? []).map(({ entry, value }) => ({ entry, value })),
    });
    assert.deepEqual(found.records.map(plain), [...expected.records.values()].map(plain), at);
    const { basic, annotations } = mailboxCrc(found.records);
    assert.deepEqual([found.crcBasic, found.crcAnnotations], [basic, annotations], at);
    for (const { guid } of found.records) guids.add(guid);
  }
  assert.deepEqual(Object.keys(contents).sort(), [...guids].sort());
  for (const [guid, sha1] of Object.entries(contents)) assert.equal(sha1, guid);
}

test('after any valid replication the sandbox holds what the model holds', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      await withSandbox({}, async (client, sandbox) => {
        const model: Model = {
          mailboxes: new Map(),
          subscriptions: new Map(),
          home: undefined,
          modseq: 1,
          made: 0,
        };
        for (const step of sequence) await step(client, model);
        await client.say('RESTART');
        assertHolds(sandbox, model);
        const subscribed = [...subscriptionsOf(model)].sort();
        const { untagged } = await client.say('GET META anna');
        assert.deepEqual(untagged, subscribed.length > 0 ? [`LSUB (${subscribed.join(' ')})`] : []);
      });
    }),
    { numRuns: 40 },
  );
});
