import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { Bench } from 'tinybench';
import { DlistParser } from '../src/protocol/dlist/parser.ts';
import { encodeRecord } from '../src/protocol/session/records.ts';
import { basicCrc } from '../src/store/mailbox/checksums.ts';
import type { IndexRecord, LockedMailbox, MasterStore } from '../src/store/master-store.ts';
import { openMasterStore } from '../src/store/open-master-store.ts';
import { CyrusScratch } from '../test/lab/cyrus-scratch.ts';
import { CyrusServer } from '../test/lab/cyrus-server.ts';
import { layoutOf } from '../test/lab/layout-of.ts';
import { databaseTasks, type Task } from './database-tasks.ts';
import { describeMachine } from './machine.ts';
import { makeMail } from './make-mail.ts';
import { type MicroRow, writeMicro } from './micro-results.ts';
import { openDirectories } from './open-directories.ts';
import { type BenchOptions, PROJECT } from './options.ts';
import { codeDigest } from './results.ts';
import { giantMailbox } from './size-cases.ts';
import { masterStore } from './stores.ts';

const MESSAGES = 10_000;
/** Mailboxes of a site, and with --full those of a very large one too. */
const ROWS = 100_000;
const ROWS_FULL = 1_000_000;
/** Octets handed to the parser at once, as a socket does. */
const CHUNK = 64 * 1024;
const MAIL_OCTETS = 4 * 1024 * 1024;
/** Milliseconds for each. */
const TIME = 700;

/** (g): the parts whose speed bounds a run, each alone in this thread. */
export async function runMicro(options: BenchOptions, say: (text: string) => void): Promise<void> {
  await openDirectories(options);
  const spec = giantMailbox(MESSAGES);
  const cached = await masterStore(spec, options.workDirectory, say);
  await using server = await CyrusServer.prepare('micro', { store: cached.directory });
  const store = openMasterStore(layoutOf(server));
  const scratch = new CyrusScratch();
  const tasks = [
    ...(await indexTasks(store, cached.users[0] ?? '')),
    ...databaseTasks(scratch, ROWS),
    ...(options.full ? databaseTasks(scratch, ROWS_FULL) : []),
    ...octetTasks(),
  ];
  const bench = new Bench({ time: TIME, warmupTime: TIME / 4 });
  for (const { name, work } of tasks) bench.add(name, work);
  await bench.run();
  const rows = tasks.map(({ name, unit, units }): MicroRow => {
    const result = bench.getTask(name)?.result;
    if (result === undefined || !('latency' in result)) {
      throw new Error(`${name} was not measured: ${JSON.stringify(result)}`);
    }
    const { p50, mad } = result.latency;
    // Medians: one call that had to wait for the machine says nothing about the others.
    return { name, unit, rate: units / (p50 / 1000), spread: (100 * mad) / p50 };
  });
  for (const { name, rate, unit, spread } of rows) {
    say(
      `${name.padEnd(44)} ${rate.toFixed(rate < 100 ? 1 : 0).padStart(10)} ${unit}/s ±${spread.toFixed(1)}%`,
    );
  }
  store.close();
  scratch.remove();
  writeMicro(options.resultsDirectory, {
    machine: describeMachine(options.workDirectory),
    code: codeDigest(join(PROJECT, 'dist')),
    rows,
  });
}

async function indexTasks(store: MasterStore, user: string): Promise<Task[]> {
  const name = store.inboxName(user);
  const everyRecord = (mailbox: LockedMailbox): IndexRecord[] => {
    const records: IndexRecord[] = [];
    for (const page of mailbox.pages()) for (let i = 0; i < page.count; i++) records.push(page.record(i));
    return records;
  };
  const records = await store.readMailbox(name, everyRecord);
  if (records === undefined) throw new Error(`the store has no ${name}`);
  const line = Buffer.from(
    `%(UNIQUEID x RECORD (${records.map((record) => encodeRecord(record)).join(' ')}))\r\n`,
    'latin1',
  );
  const scratchpad = Buffer.alloc(CHUNK);
  return [
    {
      name: 'mailbox: open, lock, read the header',
      unit: 'mailboxes',
      units: 1,
      work: () => store.readMailbox(name, () => {}),
    },
    {
      name: 'index: scan UID, modseq and GUID',
      unit: 'records',
      units: records.length,
      work: () =>
        store.readMailbox(name, (mailbox) => {
          for (const page of mailbox.pages()) {
            for (let i = 0; i < page.count; i++) if (page.modseq(i) === 0 || page.guidIsNull(i)) return;
          }
        }),
    },
    {
      name: 'index: decode records',
      unit: 'records',
      units: records.length,
      work: async () => void (await store.readMailbox(name, everyRecord)),
    },
    { name: 'CRC of a mailbox', unit: 'records', units: records.length, work: () => void basicCrc(records) },
    {
      name: 'dlist: encode records',
      unit: 'records',
      units: records.length,
      work: () => {
        // Written out, as they are when sent: a string put together of parts is not put together before that.
        let octets = 0;
        for (const record of records) octets += scratchpad.write(encodeRecord(record), 'latin1');
        if (octets === 0) throw new Error('nothing was encoded');
      },
    },
    {
      name: 'dlist: parse records',
      unit: 'MB',
      units: line.length / 1e6,
      work: () => {
        let seen = 0;
        const parser = new DlistParser({ streamKey: 'RECORD', onItem: () => seen++ });
        for (let at = 0; at < line.length && !parser.done; at += CHUNK) {
          parser.push(line.subarray(at, at + CHUNK));
        }
        if (seen !== records.length) throw new Error(`${seen} records were parsed of ${records.length}`);
      },
    },
  ];
}

/** The cost of compressing against that of checking, which comes anyway. */
function octetTasks(): Task[] {
  const mail: Buffer[] = [];
  for (let octets = 0, i = 1; octets < MAIL_OCTETS; i++) {
    const one = makeMail(i, i % 5 === 0 ? 60_000 : 4000);
    octets += one.length;
    mail.push(one);
  }
  const all = Buffer.concat(mail);
  const units = all.length / 1e6;
  return [
    {
      name: 'SHA-1 of messages',
      unit: 'MB',
      units,
      work: () => {
        for (const each of mail) createHash('sha1').update(each).digest('hex');
      },
    },
    { name: 'deflate, level 1', unit: 'MB', units, work: () => void deflateRawSync(all, { level: 1 }) },
    { name: 'deflate, level 6', unit: 'MB', units, work: () => void deflateRawSync(all, { level: 6 }) },
  ];
}
