import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CyrusServer, Pair } from './cyrus-server.ts';
import { differences } from './differences.ts';
import { dumpServer, type ServerDump } from './dump-server.ts';
import { strictState, withoutExpunged } from './strict-state.ts';

/** Differences shown in a failure; more would bury the first, which is mostly the cause. */
const SHOWN = 40;

export interface Comparison {
  /**
   * Each server keeps its own expunged records where there were merges, and until it is told to clean up; so where either
   * has been, what is live is compared alone.
   */
  expunged?: 'left out';
  /** Lines of the failure that are known, and have a reason where they are. */
  known?: (line: string) => boolean;
}

/**
 * Both servers hold the same, as clients, tools and other servers see it and as it lies on their disks; the failure lists
 * what differs.
 */
export async function assertSameMail(
  master: CyrusServer,
  replica: CyrusServer,
  users: readonly string[],
  comparison: Comparison = {},
): Promise<void> {
  const [here, there] = await Promise.all([dumpOrExplain(master, users), dumpOrExplain(replica, users)]);
  // Files of expunged messages are among them.
  if (comparison.expunged === 'left out') here.files = there.files = {};
  const lines = [
    ...differences(here, there),
    ...(await strictDifferences(master, replica, users, here, comparison)),
  ].filter((line) => !comparison.known?.(line));
  const more = lines.length > SHOWN ? `\n... and ${lines.length - SHOWN} more` : '';
  assert.equal(
    lines.length,
    0,
    `master and replica differ in ${lines.length} places:\n${lines.slice(0, SHOWN).join('\n')}${more}`,
  );
  assert.ok(Object.keys(here.mail).length > 0, 'the master holds no mail at all');
}

/**
 * Compares what servers tell one another, and what lies on their disks. Versions differ in how they keep it, so it is compared
 * within one alone.
 */
async function strictDifferences(
  master: CyrusServer,
  replica: CyrusServer,
  users: readonly string[],
  { list }: Pick<ServerDump, 'list'>,
  { expunged }: Comparison,
): Promise<string[]> {
  if (master.programs.version !== replica.programs.version) return [];
  const names = Object.keys(list).filter((name) => !list[name]?.mbtype.includes('i'));
  const states = await Promise.all([master, replica].map((server) => strictState(server, users, names)));
  const [here, there] = expunged === 'left out' ? states.map(withoutExpunged) : states;
  const lines = differences(here, there);
  if (replica.programs.isAtLeast(3, 6)) return lines;
  // Up to 3.4 scripts are files, with the time at which the replica wrote them, and directories go by names, not uniqueids;
  // and a seen state goes by the name of its user, under which it can only be emptied.
  return lines.filter(
    (line) =>
      !/ > sieve > \d+ > lastUpdate: /.test(line) &&
      !/ > seen > \w+: master nothing, replica .*"lastread":0,"lastuid":0,.*"seenuids":""/.test(line) &&
      !(expunged === 'left out' && line.startsWith('files > ')),
  );
}

/** As `assertSameMail`, for some users alone, while others are known to differ; the mailbox list is looked at for these users only. */
export async function assertSameMailOf(
  master: CyrusServer,
  replica: CyrusServer,
  users: readonly string[],
  comparison: Comparison = {},
): Promise<void> {
  const [here, there] = await Promise.all([dumpOrExplain(master, users), dumpOrExplain(replica, users)]);
  const view = viewOf(here, users);
  const lines = [
    ...differences(view, viewOf(there, users)),
    // Quotas and files are those of everybody, and seen state is about mailboxes of others too.
    ...(await strictDifferences(master, replica, users, view, comparison)).filter((line) =>
      line.startsWith('mailboxes > '),
    ),
  ];
  assert.deepEqual(
    lines,
    [],
    `master and replica differ for ${users.join(', ')}:\n${lines.slice(0, SHOWN).join('\n')}`,
  );
}

function viewOf(dump: ServerDump, users: readonly string[]): Pick<ServerDump, 'list' | 'mail' | 'users'> {
  const owners = users.map((user) => user.replaceAll('.', '^'));
  const isTheirs = (name: string) =>
    owners.some((owner) =>
      [`user.${owner}`, `DELETED.user.${owner}`].some((root) => `${name}.`.startsWith(`${root}.`)),
    );
  const list = Object.fromEntries(Object.entries(dump.list).filter(([name]) => isTheirs(name)));
  const mail = Object.fromEntries(
    Object.entries(dump.mail).filter(([name]) => users.some((user) => name.startsWith(`${user} `))),
  );
  assert.ok(Object.keys(mail).length >= users.length, `no mail of ${users.join(', ')} was found`);
  // What they read of others depends on what of the others has arrived.
  const own = Object.entries(dump.users).map(
    ([user, view]) => [user, { ...view, seenElsewhere: {} }] as const,
  );
  return { list, mail, users: Object.fromEntries(own) };
}

/**
 * The C client, run from master to replica, must find nothing to send. Throws with every APPLY of its transcript that
 * is not part of setting up the connection.
 *
 * @param besides commands that are known not to have been possible
 */
export async function assertNothingLeft(pair: Pick<Pair, 'master'>, besides?: RegExp): Promise<void> {
  await assertNothingApplied(pair.master, ['-A'], besides);
}

/** Does so for some users, with a replica that the master's own configuration does not name. */
export async function assertNothingLeftOf(
  master: CyrusServer,
  replica: CyrusServer,
  users: readonly string[],
): Promise<void> {
  const config = join(master.directory, `to-${replica.name}.conf`);
  const lines = readFileSync(master.configFile, 'utf8').replace(
    /^sync_port:.*$/m,
    `sync_port: ${replica.syncPort}`,
  );
  writeFileSync(config, lines);
  await assertNothingApplied(master, ['-C', config, '-u', ...users]);
}

async function assertNothingApplied(
  master: CyrusServer,
  args: readonly string[],
  besides?: RegExp,
): Promise<void> {
  const run = await master.run('sync_client', ['-v', '-v', '-o', ...args]);
  const left = appliedCommands(run.stderr).filter((command) => !besides?.test(command));
  assert.deepEqual(left, [], `the C client still had something to send:\n${left.join('\n')}`);
  assert.equal(run.code, 0, `the C client failed:\n${run.stderr.slice(-3000)}`);
  assert.match(run.stderr, /GET USER/, 'the C client compared no user at all');
}

/** The APPLY lines of a `-v -v` transcript, those that only set up a connection left out, cut to a readable length. */
export function appliedCommands(transcript: string): string[] {
  return sentCommands(transcript).filter(
    (line) => line.startsWith('APPLY ') && !/^APPLY (CAPABILITIES|FORCE)\b/.test(line),
  );
}

/** Each command line (or its beginning) that was sent in a `-v -v` transcript, literals apart. */
export function sentCommands(transcript: string): string[] {
  // `>TIME>` and `<TIME<` stand before each chunk of traffic, and a chunk may begin anywhere in a command.
  const traffic = transcript.replace(/[<>]\d{9,11}[<>]/g, '');
  return [...traffic.matchAll(/^(?:APPLY|GET|RESTART|NOOP|EXIT)\b[^\r\n]{0,300}/gm)].map(
    ([command]) => command,
  );
}

async function dumpOrExplain(server: CyrusServer, users: readonly string[]): Promise<ServerDump> {
  try {
    return await dumpServer(server, users);
  } catch (error) {
    throw new Error(`${server.name} could not be dumped: ${(error as Error).message}\n${server.output}`, {
      cause: error,
    });
  }
}
