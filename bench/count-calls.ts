import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connectReplica } from '../src/protocol/connect/connect-replica.ts';
import type { MessageUpload, ReplicaSession, WireMailbox } from '../src/protocol/replica-session.ts';
import { ADMIN, CyrusServer, giveToCyrus, PASSWORD } from '../test/lab/cyrus-server.ts';
import { type Call, FaultyCalls } from '../test/lab/faulty-calls.ts';
import { settingsFor } from '../test/lab/settings.ts';
import { wireMailbox, wireRecord } from '../test/lab/wire-mailbox.ts';
import type { BenchOptions } from './options.ts';

/** Messages of each way to send them: divisible by all numbers below. */
const MESSAGES = 64;
const MESSAGE_OCTETS = 4_096;
const KINDS: readonly (readonly [call: Call, several: string])[] = [
  ['flush', 'flushes'],
  ['open', 'opens'],
  ['write', 'writes'],
  ['rename', 'renames'],
];

/** A way to send the messages of one mailbox. */
interface Way {
  what: string;
  /** Messages of one MESSAGE command. */
  slice: number;
  /** Records of one MAILBOX command. */
  step: number;
  /** All messages go before the first MAILBOX, not each step's before it. */
  isAllFirst: boolean;
}

const WAYS: readonly Way[] = [
  { what: 'one message, one command each', slice: 1, step: 1, isAllFirst: false },
  { what: 'MESSAGE of 1, MAILBOX of 64', slice: 1, step: 64, isAllFirst: true },
  { what: 'MESSAGE of 8, MAILBOX of 64', slice: 8, step: 64, isAllFirst: true },
  { what: 'MESSAGE of 64, MAILBOX of 64', slice: 64, step: 64, isAllFirst: true },
  { what: 'MESSAGE of 64, MAILBOX of 16, messages first', slice: 64, step: 16, isAllFirst: true },
  { what: 'MESSAGE of 16, MAILBOX of 16, in turns', slice: 16, step: 16, isAllFirst: false },
  { what: 'MESSAGE of 4, MAILBOX of 4, in turns', slice: 4, step: 4, isAllFirst: false },
];

/**
 * Counts what the replica's server does on its files for commands of different sizes, and in different order, for the table of
 * docs/performance.md. The mailbox is there before; RESERVE is sent for messages that it has.
 */
export async function countCalls(
  { workDirectory }: BenchOptions,
  say: (text: string) => void,
): Promise<void> {
  const directory = await mkdtemp(join(workDirectory, 'calls-'));
  const environment: Record<string, string> = {};
  await using server = await CyrusServer.prepare('replica', { environment });
  const calls = new FaultyCalls(directory, 'sync_server', server);
  giveToCyrus(directory);
  // Where its files are is known only now.
  Object.assign(environment, calls.environment);
  await server.start();
  const session = await connectReplica(
    settingsFor(`127.0.0.1:${server.syncPort}`, { tryImap: false, authname: ADMIN, password: PASSWORD }),
  );
  const counter = new Counter(session, calls);
  say(
    `| ${MESSAGES} messages of ${MESSAGE_OCTETS} octets, sent as | ${KINDS.map(([, several]) => several).join(' | ')} |`,
  );
  say(`| :-- | ${KINDS.map(() => '--:').join(' | ')} |`);
  for (const way of WAYS) say(await counter.row(way.what, (name) => counter.send(name, way)));
  say(await counter.row(`RESERVE of ${MESSAGES} that the mailbox has`, (name) => counter.reserve(name)));
  await session.exit();
  await rm(directory, { recursive: true, force: true });
}

class Counter {
  readonly #session: ReplicaSession;
  readonly #calls: FaultyCalls;
  #mailboxes = 0;

  constructor(session: ReplicaSession, calls: FaultyCalls) {
    this.#session = session;
    this.#calls = calls;
  }

  /** @param work is done once for each kind of call, on a mailbox that it finds made */
  async row(what: string, work: (name: string) => Promise<() => Promise<void>>): Promise<string> {
    const counts: number[] = [];
    for (const [kind] of KINDS) {
      this.#mailboxes += 1;
      const name = `user.u${this.#mailboxes}`;
      await this.#session.applyMailbox(wireMailbox(name), []);
      const go = await work(name);
      this.#calls.count(kind);
      await go();
      counts.push(this.#calls.counted);
      await this.#session.restart();
    }
    return `| ${what} | ${counts.join(' | ')} |`;
  }

  async send(name: string, way: Way): Promise<() => Promise<void>> {
    const messages = Array.from({ length: MESSAGES }, (_, i) => messageOf(`${name} ${i}`));
    return async () => {
      if (way.isAllFirst) await this.#upload(messages, way.slice);
      for (let from = 0; from < MESSAGES; from += way.step) {
        const some = messages.slice(from, from + way.step);
        if (!way.isAllFirst) await this.#upload(some, way.slice);
        const records = some.map((message, i) => wireRecord(from + i + 1, message));
        await this.#session.applyMailbox(filled(name, from + some.length), records);
      }
    };
  }

  async reserve(name: string): Promise<() => Promise<void>> {
    const messages = Array.from({ length: MESSAGES }, (_, i) => messageOf(`${name} ${i}`));
    await this.#upload(messages, MESSAGES);
    const records = messages.map((message, i) => wireRecord(i + 1, message));
    await this.#session.applyMailbox(filled(name, MESSAGES), records);
    await this.#session.restart();
    return async () => {
      const guids = messages.map(({ guid }) => guid);
      await this.#session.applyReserve('default', [name], guids);
    };
  }

  async #upload(messages: readonly MessageUpload[], slice: number): Promise<void> {
    for (let from = 0; from < messages.length; from += slice) {
      await this.#session.applyMessages(messages.slice(from, from + slice));
    }
  }
}

function messageOf(text: string): MessageUpload {
  const head = `From: a@example.com\r\nSubject: ${text}\r\n\r\n`;
  const content = Buffer.from(head.padEnd(MESSAGE_OCTETS - 2, '0123456789abcdef').concat('\r\n'));
  const guid = createHash('sha1').update(content).digest('hex');
  return { partition: 'default', guid, size: content.length, content };
}

/** @param messages under the first UIDs, each with the MODSEQ that `wireRecord` gives it */
function filled(name: string, messages: number): WireMailbox {
  return wireMailbox(name, { lastUid: messages, highestmodseq: messages + 1 });
}
