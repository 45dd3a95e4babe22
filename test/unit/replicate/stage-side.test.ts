import assert from 'node:assert/strict';
import test from 'node:test';
import type { WireRecord } from '../../../src/protocol/replica-session.ts';
import { type SideWork, stageSide } from '../../../src/replicate/merge/stage-side.ts';
import { record } from '../../lab/engine-fakes.ts';

const EXPUNGED = { flags: ['\\Expunged'] };

/** One side of a merge that lacks some messages; what it is told is kept. */
function side(missing: readonly WireRecord[], refuses = false) {
  const told: string[] = [];
  let holders = 0;
  const work = {
    session: {
      window: async () => void told.push('window'),
      applyReserve: async (partition: string, folders: readonly string[], guids: readonly string[]) => {
        told.push(`reserve ${partition} ${folders} ${guids.map(uidOf)}`);
        return new Set(missing.map(({ guid }) => guid).filter((guid) => guids.includes(guid)));
      },
      applyMessages: async ([message]: { guid: string }[]) => {
        told.push(`send ${uidOf(message?.guid ?? '')}`);
        if (refuses) throw new Error('refused');
      },
    },
    tell: async (line: { name: string; highestmodseq: number }, records: readonly WireRecord[]) =>
      void told.push(`apply ${line.name} ${line.highestmodseq} ${records.map(({ uid }) => uid)}`),
    stage: {
      hold: async () => {
        holders++;
        return { [Symbol.dispose]: () => holders-- };
      },
      add: (partition: string, guids: readonly string[]) =>
        told.push(`staged ${partition} ${guids.map(uidOf)}`),
    },
    line: { name: 'user.anna', partition: 'p', highestmodseq: 7 },
    lastUid: 2,
  };
  return { work: work as unknown as SideWork, told, holders: () => holders };
}

const uidOf = (guid: string): number => Number.parseInt(guid, 16);
const source = (messages: readonly WireRecord[], gone = false) => ({
  messages,
  read: async () => (gone ? undefined : Buffer.from('content')),
});

test('messages above LAST_UID are reserved, those that are missing are sent, and then all are staged', async () => {
  const records = [record(1, 1), record(2, 1), record(3, 1), record(4, 1), record(5, 1, EXPUNGED)];
  const { work, told, holders } = side([record(4, 1)]);
  const staged = await stageSide({ ...work, records, sources: [source([]), source(records)] });
  assert.deepEqual(told.splice(0), ['reserve p user.anna 3,4', 'window', 'send 4', 'staged p 3,4']);
  assert.equal(holders(), 1, 'until the mailbox has been told');
  await staged.apply({ highestmodseq: 9 });
  await staged.apply();
  assert.deepEqual(told, ['apply user.anna 9 1,2,3,4,5', 'apply user.anna 7 1,2,3,4,5']);
  staged[Symbol.dispose]();
  assert.equal(holders(), 0);
});

test('where nothing is new nobody is asked', async () => {
  const { work, told } = side([]);
  await stageSide({ ...work, records: [record(1, 1), record(2, 1)], sources: [] });
  assert.deepEqual(told, []);
});

test('expunged messages go along if they can be had, and one that is gone is no failure', async () => {
  const records = [record(3, 1, EXPUNGED), record(4, 1, EXPUNGED)];
  const there = side(records);
  await stageSide({ ...there.work, records, sources: [], restorable: source([record(3, 1), record(9, 1)]) });
  assert.deepEqual(there.told, ['reserve p user.anna 3', 'window', 'send 3', 'staged p 3']);
  const gone = side(records);
  await stageSide({ ...gone.work, records, sources: [], restorable: source([record(3, 1)], true) });
  assert.deepEqual(gone.told, ['reserve p user.anna 3', 'window', 'staged p ']);
});

test('a message that is there live as well as expunged is needed', async () => {
  const live = record(4, 1, { guid: record(3, 1).guid });
  const { work } = side([live]);
  const records = [record(3, 1, EXPUNGED), live];
  await assert.rejects(stageSide({ ...work, records, sources: [], restorable: source([live]) }), {
    code: 'BUG',
  });
});

test('a side that refuses a message, or a message that cannot be had, ends it, and the stage is given back', async () => {
  const records = [record(3, 1)];
  const refusing = side(records, true);
  await assert.rejects(stageSide({ ...refusing.work, records, sources: [source(records)] }), /refused/);
  assert.equal(refusing.holders(), 0);
  const nowhere = side(records);
  await assert.rejects(stageSide({ ...nowhere.work, records, sources: [source(records, true)] }), {
    code: 'BUG',
    mailbox: 'user.anna',
  });
  assert.equal(nowhere.holders(), 0);
});
