import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { giveToCyrus, type Pair, startPair } from '../../test/lab/cyrus-server.ts';
import { FaultyCalls } from '../../test/lab/faulty-calls.ts';
import { freePorts } from '../../test/lab/free-ports.ts';
import { Choices } from '../../test/lab/generated-mail.ts';
import { assertInStep, RollingClient } from '../../test/lab/rolling-client.ts';
import { ScriptedProxy } from '../../test/lab/scripted-proxy.ts';
import { Shears } from '../../test/lab/shears.ts';
import { StreamOfChanges } from '../../test/lab/stream-of-changes.ts';
import { syncClientOk } from '../../test/lab/sync-client.ts';
import { messageOf } from '../../test/lab/two-sides.ts';
import { type Sample, sampleOf } from './samples.ts';

export interface SoakOptions {
  minutes: number;
  users: number;
  /** Changes a second, at most. */
  rate: number;
  seed: string;
  /** Seconds between two things that happen. */
  everySeconds: number;
}

export interface SoakOutcome {
  samples: Sample[];
  changes: number;
  /** How often each happened. */
  happened: Record<Disturbance, number>;
}

const DISTURBANCES = ['cut', 'restart', 'disk full', 'kill', 'edit of the replica', 'clean up'] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

/** Writes of the replica's processes until one finds the disk full. */
const WRITES_UNTIL_FULL = 400;
const SAMPLE_EVERY_MS = 1_000;
/** A client may need that long for what is left when the load ends. */
const LONGEST_END_MS = 600_000;
/** The client is killed in this part of the time only, so that one lives for the rest of it. */
const KILLING = 0.4;

/**
 * Rolling mode under load for a long time, while the replica is restarted, cut off, filled and written to, and the client
 * killed. At the end, when nobody disturbs, both ends must be the same.
 *
 * @throws AssertionError what differs at the end
 */
export async function soak(options: SoakOptions, say: (line: string) => void): Promise<SoakOutcome> {
  const directory = mkdtempSync(join(tmpdir(), 'soak-'));
  try {
    return await soakIn(directory, options, say);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function soakIn(
  directory: string,
  { minutes, users, rate, seed, everySeconds }: SoakOptions,
  say: (line: string) => void,
): Promise<SoakOutcome> {
  const environment: Record<string, string> = {};
  await using pair = await startPair({
    both: { imapd: { allowusermoves: 'yes', conversations: 'yes' } },
    master: { imapd: { sync_log: 'yes', sync_reconnect_maxwait: '1' } },
    replica: { environment },
  });
  const disk = new FaultyCalls(directory, 'sync_server', pair.replica);
  giveToCyrus(directory);
  // Where its files are is known only now.
  Object.assign(environment, disk.environment);
  await pair.replica.halt();
  await pair.replica.start();
  const shears = new Shears();
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, shears);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();

  const [metricsPort = 0] = await freePorts(1);
  const lifetime = 2 * minutes * 60_000 + LONGEST_END_MS;
  const client = new RollingClient(pair, ['--metrics', String(metricsPort)], {}, lifetime);
  await using _ended = client;
  await using stream = await StreamOfChanges.start(pair.master, seed, users, rate);
  const happened = Object.fromEntries(DISTURBANCES.map((each) => [each, 0])) as Record<Disturbance, number>;
  const samples: Sample[] = [];
  const started = performance.now();
  const minute = () => (performance.now() - started) / 60_000;
  const sampler = setInterval(async () => {
    const sample = await sampleOf(client.tool.pid, metricsPort, minute());
    if (sample) samples.push(sample);
  }, SAMPLE_EVERY_MS);
  try {
    const choices = new Choices(`${seed} disturbances`);
    const allHappened = () => Object.values(happened).every((count) => count > 0);
    for (let deck: Disturbance[] = []; minute() < minutes || !allHappened(); ) {
      await stream.lasts(everySeconds * 1_000 * (0.5 + choices.below(100) / 100));
      if (deck.length === 0) {
        const killing = minute() < KILLING * minutes || happened.kill === 0;
        deck = DISTURBANCES.filter((each) => killing || each !== 'kill');
      }
      const [next = 'cut'] = deck.splice(choices.below(deck.length), 1);
      await disturb(next, { pair, client, shears, disk, stream, choices });
      happened[next]++;
    }
    disk.disarm();
    await stream.stop();
    say(`${stream.changes} changes; the rest is done without anything in between`);
    await client.settled();
  } finally {
    clearInterval(sampler);
  }
  await client.stop();
  await syncClientOk(pair.master, ['-A']);
  await assertInStep(pair, stream.users, { expunged: 'left out' });
  return { samples, changes: stream.changes, happened };
}

interface Site {
  pair: Pair;
  client: RollingClient;
  shears: Shears;
  disk: FaultyCalls;
  stream: StreamOfChanges;
  choices: Choices;
}

async function disturb(kind: Disturbance, site: Site): Promise<void> {
  const { pair, client, shears, disk, stream, choices } = site;
  switch (kind) {
    case 'cut':
      return shears.cutAfter(500 + choices.below(20_000));
    case 'restart':
      await pair.replica.halt();
      await wait(choices.below(2_000));
      return await pair.replica.start();
    case 'disk full':
      return disk.arm('write', 1 + choices.below(WRITES_UNTIL_FULL), 'ENOSPC');
    case 'kill':
      await client.kill();
      return client.restart();
    case 'clean up':
      return void (await pair.master.runOk('cyr_expire', ['-E', '1', '-X', '0']));
    case 'edit of the replica':
      return await editReplica(pair, stream.users[choices.below(stream.users.length)] ?? '', choices);
  }
}

/** Writes to the replica, as people do after a failover. A user who is just being moved or removed may be nobody at that moment. */
async function editReplica({ replica }: Pair, user: string, choices: Choices): Promise<void> {
  await using session = await replica.imap(user);
  const { status } = await session.command('SELECT INBOX');
  if (status !== 'OK') return;
  await session.command('STORE 1 +FLAGS (there)');
  await session.command('APPEND INBOX ', messageOf('there', String(choices.below(2 ** 30))));
}
