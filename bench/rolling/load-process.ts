/**
 * Users who change their mail, and a watch on the replica: a process of its own, so that neither shares an event loop,
 * or processor seconds, with what is measured. Started by `load.ts` with an IPC channel.
 */
import { existsSync, renameSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { LoadOrder, LoadReport, LoadSettings, SettleReport, StreamReport } from './load-messages.ts';
import { type Change, MailboxChanges } from './mailbox-changes.ts';
import { mailboxOf } from './mailbox-of.ts';
import { ReplicaWatch } from './replica-watch.ts';

/** Milliseconds between looks at whether the log is gone. */
const LOOK_EVERY = 2;
/** Sessions that change mail at whatever speed. */
const LOOPS = 8;

const settings = JSON.parse(process.argv[2] ?? '') as LoadSettings;
const { mailboxes, log, held } = settings;
const users = await MailboxChanges.connect(settings.imapPort, new Set(mailboxes.map(({ user }) => user)));
const watch = new ReplicaWatch(mailboxes.map(({ index }) => index));
/** When the log was released, or the stream ended. */
let begun = 0;

async function make(change: Promise<Change>): Promise<void> {
  const { mailbox, mark, answered } = await change;
  watch.expect(mailbox.index, mark, answered);
}

async function changeSome(count: number): Promise<void> {
  const waiting = mailboxes.slice(0, count).values();
  const loop = async (): Promise<void> => {
    for (const mailbox of waiting) await make(users.append(mailbox));
  };
  await Promise.all(Array.from({ length: LOOPS }, loop));
}

/** Open loop: a change is made when its time has come, whether or not those before it have been answered. */
async function stream(perSecond: number, seconds: number): Promise<StreamReport> {
  const count = Math.round(perSecond * seconds);
  const start = performance.now();
  const made: Promise<void>[] = [];
  while (made.length < count) {
    const due = start + (made.length / perSecond) * 1000;
    const early = due - performance.now();
    if (early > 0) await wait(early);
    const { mailbox, kind } = mailboxOf(made.length, mailboxes);
    made.push(make(kind === 'flag' ? users.flag(mailbox) : users.append(mailbox)));
  }
  await Promise.all(made);
  const ended = performance.now();
  begun = ended;
  return {
    kind: 'streamed',
    changes: count,
    achieved: count / ((ended - start) / 1000),
    behind: watch.outstanding,
    lag: watch.oldest(ended) / 1000,
  };
}

async function settle(deadline: number): Promise<SettleReport> {
  const end = performance.now() + deadline;
  // In this order: a log becomes log-run, never the other way round.
  const isBusy = () => watch.outstanding > 0 || existsSync(log) || existsSync(`${log}-run`);
  while (isBusy() && performance.now() < end) await wait(LOOK_EVERY);
  const now = performance.now();
  const missing = watch.outstanding;
  const drained = isBusy() ? null : (now - begun) / 1000;
  return { kind: 'settled', drained, missing, lags: watch.takeLags(now).map((each) => each / 1000) };
}

async function obey(order: LoadOrder): Promise<LoadReport> {
  switch (order.kind) {
    case 'change':
      await changeSome(order.mailboxes);
      return { kind: 'done' };
    case 'release':
      if (held === undefined) throw new Error('no log was held back');
      begun = performance.now();
      renameSync(held, log);
      return { kind: 'done' };
    case 'stream':
      return await stream(order.perSecond, order.seconds);
    case 'settle':
      return await settle(order.deadline);
  }
}

process.on('message', (order: LoadOrder) => {
  obey(order).then((report) => process.send?.(report));
});
// The parent is gone: so are its servers.
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready' } satisfies LoadReport);
