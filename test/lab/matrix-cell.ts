import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appliedCommands } from './assert-same-mail.ts';
import { addEvent, calendarsAsSeen } from './calendars.ts';
import { changeRound } from './change-round.ts';
import type { CyrusPrograms } from './cyrus-programs.ts';
import { CyrusServer, mergeOptions, type Pair, type ServerOptions, startPair } from './cyrus-server.ts';
import { differences } from './differences.ts';
import { dumpServer } from './dump-server.ts';
import { givePassword } from './give-password.ts';
import { quoteImap } from './imap-values.ts';
import type { MatrixLayout } from './matrix-layouts.ts';
import { openStranger, type Stranger } from './open-stranger.ts';
import { plainLiterals } from './plain-literals.ts';
import { mailboxOf, type Population, populate } from './populate.ts';
import { addRarities, changeRarities } from './rarities.ts';
import { RollingClient } from './rolling-client.ts';
import { ScriptedProxy } from './scripted-proxy.ts';
import { SieveClient } from './sieve-client.ts';
import { syncClientOk } from './sync-client.ts';
import { BASE, openSides } from './two-sides.ts';

/** One combination that sites have: who sends, who receives, by which service, and how their stores are laid out. */
export interface MatrixCell {
  master: CyrusPrograms;
  replica: CyrusPrograms;
  service: 'csync' | 'imapd';
  layout: MatrixLayout;
  /** How the master is read: from its files, or with --from, over the service. */
  from: 'files' | 'server';
  /** Who made the store that a layout says was upgraded. */
  oldest: CyrusPrograms;
}

export const PHASES = ['first copy', 'changes', 'renames', 'rolling', 'split brain'] as const;
export type Phase = (typeof PHASES)[number];

/** Lists for each phase what was wrong after it. A phase that could not be judged is wrong. */
export type CellOutcome = Partial<Record<Phase, string[]>>;

export function phasesOf({ from }: MatrixCell): Phase[] {
  // Rolling mode reads a log of the master's, which is a file.
  return PHASES.filter((phase) => from === 'files' || phase !== 'rolling');
}

const COMMON: ServerOptions = {
  calendars: true,
  imapd: { conversations: 'yes', allowusermoves: 'yes' },
};
/** Places in the population of users whom rounds of changes leave alone. */
const RENAMED = 6;
const DELETED = 8;
const NEW_NAME = 'renamed';
/** Differences kept of a phase. */
const KEPT = 12;

/** Runs all phases on a fresh pair, each on what those before have left. */
export async function runMatrixCell(cell: MatrixCell): Promise<CellOutcome> {
  const { pair, population: filled } = await startCell(cell);
  await using _ = pair;
  await using stranger = cell.from === 'server' ? await strangerOf(pair, cell) : undefined;
  let population = filled;
  const copy = (): Promise<unknown> => copyAll(pair, population, cell, stranger);
  const change = async (round: number): Promise<void> => {
    await changeRarities(pair.master, population, round);
    population = await changeRound(pair.master, population, round);
  };
  const phases: Record<Phase, () => Promise<void>> = {
    'first copy': async () => void (await copy()),
    changes: async () => {
      await change(1);
      await copy();
    },
    renames: async () => {
      const deleted = population.users[DELETED] ?? '';
      population = await renameAndDelete(pair.master, population);
      await copy();
      // Whoever is gone is nobody of -A.
      await (stranger?.runOk(['-u', deleted]) ?? syncClientOk(pair.master, ['-u', deleted]));
    },
    rolling: async () => {
      await using client = new RollingClient(pair);
      await client.settled();
      await change(2);
      await client.settled();
    },
    'split brain': async () => {
      await changeBothSides(pair, population);
      await copy();
    },
  };
  const outcome: CellOutcome = {};
  for (const phase of phasesOf(cell)) {
    try {
      await phases[phase]();
      const differs = (await whatDiffers(pair, population)).filter((line) => !isKnown(line, phase, cell));
      outcome[phase] = [...differs, ...(await whatIsLeft(pair, population, cell))].slice(0, KEPT);
    } catch (error) {
      outcome[phase] = [(error as Error).message];
    }
  }
  return outcome;
}

/** A pair of the cell's layout, whose master is filled with everything. */
async function startCell(cell: MatrixCell): Promise<{ pair: Pair; population: Population }> {
  const { master, replica, service, layout } = cell;
  const both = mergeOptions(COMMON, layout.both);
  await using older =
    layout.upgraded === true
      ? await CyrusServer.start('older', { ...both, programs: cell.oldest })
      : undefined;
  const earlier = older === undefined ? undefined : await fillOlder(older);
  const pair = await startPair({
    both,
    master: mergeOptions(layout.master, {
      programs: master,
      imapd: { sync_log: 'yes' },
      ...(older === undefined ? {} : { store: older.directory }),
    }),
    replica: mergeOptions(layout.replica, { programs: replica }),
  });
  try {
    if (service === 'imapd') {
      pair.master.configure('sync_port', String(pair.replica.imapPort));
      pair.master.configure('sync_try_imap', 'yes');
      await pair.master.writeConfiguration();
    }
    const population = earlier ?? (await fill(pair.master));
    if (earlier !== undefined) await upgradeByHand(pair.master, population);
    if (pair.master.setting('archive_enabled') === 'yes') {
      await pair.master.runOk('cyr_expire', ['-x', '-A', '0s', '-E', '10000']);
    }
    for (const server of [pair.master, pair.replica]) {
      for (const user of [...population.users, NEW_NAME]) await givePassword(server, user);
    }
    return { pair, population };
  } catch (error) {
    await pair.stop();
    throw error;
  }
}

async function fill(server: CyrusServer): Promise<Population> {
  const population = await populate(server, { users: 10 });
  await addRarities(server, population);
  return population;
}

/** The store that an upgrade finds: a part of it is from before the version that is replaced. */
async function fillOlder(server: CyrusServer): Promise<Population> {
  const population = await fill(server);
  await changeIndexVersion(server, population, '13', 0);
  await server.halt();
  return population;
}

/** Notes on upgrades ask for this to be done by hand; index versions are not raised everywhere. */
async function upgradeByHand(server: CyrusServer, population: Population): Promise<void> {
  await changeIndexVersion(server, population, 'max', 1);
  await server.runOk('dav_reconstruct', ['-a']);
}

/** @param which users' mailboxes: every third one, from this on */
async function changeIndexVersion(
  server: CyrusServer,
  { users }: Population,
  version: string,
  which: number,
): Promise<void> {
  const chosen = users.filter((_user, index) => index % 3 === which);
  await server.runOk('reconstruct', ['-r', '-V', version, ...chosen.map((user) => mailboxOf(server, user))]);
}

/** Somebody who has logins at both servers alone, and knows how names are written there. */
async function strangerOf({ master, replica }: Pair, { service }: MatrixCell): Promise<Stranger> {
  const names = ['unixhierarchysep', 'virtdomains', 'defaultdomain'];
  const known = names.flatMap((name) => {
    const value = master.setting(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const target = service === 'imapd' ? { sync_port: String(replica.imapPort), sync_try_imap: 'yes' } : {};
  const over = service === 'imapd' ? 'imap' : service;
  return await openStranger(master, replica, { over, imapd: { ...Object.fromEntries(known), ...target } });
}

async function copyAll(
  { master }: Pair,
  { users, sharedMailboxes }: Population,
  { service }: MatrixCell,
  stranger: Stranger | undefined,
): Promise<void> {
  if (stranger === undefined) {
    await syncClientOk(master, ['-A']);
  } else if (service === 'imapd') {
    await stranger.runOk(['-A']);
  } else {
    // Only an imapd lists who is there.
    await stranger.runOk(['-u', ...users]);
    await stranger.runOk(['-m', ...sharedMailboxes]);
  }
}

/** A user and a folder get another name, a folder is made under a former name, a user and a folder are deleted. */
async function renameAndDelete(server: CyrusServer, population: Population): Promise<Population> {
  const [renamed = '', other = '', last = ''] = population.users.slice(RENAMED);
  await using admin = await server.imap();
  const name = (user: string, folder: readonly string[] = []) => quoteImap(mailboxOf(server, user, folder));
  for (const mailbox of [name(last), name(other, ['Work'])]) {
    await admin.ok(`SETACL ${mailbox} admin lrswipkxtecdan`);
  }
  await admin.ok(`RENAME ${name(renamed)} ${name(NEW_NAME)}`);
  await admin.ok(`RENAME ${name(other, ['Work'])} ${name(other, ['Play'])}`);
  await admin.ok(`CREATE ${name(other, ['Work'])}`);
  await admin.ok(`DELETE ${name(last)}`);
  const users = population.users.filter((user) => user !== renamed && user !== last);
  return { ...population, users: [...users, NEW_NAME] };
}

/** Different mail and flags in one mailbox at both ends. */
async function changeBothSides(pair: Pair, population: Population): Promise<void> {
  await using sides = await openSides(pair);
  const user = population.users[0] ?? '';
  const mailbox = quoteImap(mailboxOf(pair.master, user));
  const servers = [pair.master, pair.replica];
  // A first request makes mailboxes beside the calendar, which the other side then has as well.
  const haveHttpd = servers.every(({ hasHttpd }) => hasHttpd);
  for (const server of haveHttpd ? servers : []) await addEvent(server, user, `split-${server.name}`);
  for (const [side, flag] of [
    [sides.master, '\\Flagged'],
    [sides.replica, '\\Answered'],
  ] as const) {
    await side.imap.ok(`SETACL ${mailbox} admin lrswipkxtecdan`);
    await side.append(mailbox, `${flag.slice(1)} ${BASE.length}`);
    await side.flag(mailbox, 3, flag);
  }
}

/** Contents as clients see them; how each version keeps them is its own affair. */
async function whatDiffers(pair: Pair, { users }: Population): Promise<string[]> {
  const both = [pair.master, pair.replica];
  const withCalendars = both.every(({ hasHttpd }) => hasHttpd);
  const [here, there] = await Promise.all(both.map((server) => contents(server, users, withCalendars)));
  return differences(here, there);
}

/** Asks the master's own C client what it would still send. */
async function whatIsLeft(pair: Pair, { users }: Population, { layout }: MatrixCell): Promise<string[]> {
  // It ends a server before 3.8 that it sends JMAP notifications to, which a newer master has of the first user.
  const [master, replica] = [pair.master, pair.replica].map(({ programs }) => programs.isAtLeast(3, 8));
  const whose = master && !replica ? ['-u', ...users.slice(1)] : ['-A'];
  await using proxy = await ScriptedProxy.start(Number(pair.master.setting('sync_port')), {
    ...(pair.replica.programs.isAtLeast(3, 6) ? {} : { toClient: plainLiterals }),
  });
  const config = join(pair.master.directory, 'judge.conf');
  const lines = await readFile(pair.master.configFile, 'latin1');
  await writeFile(config, lines.replace(/^sync_port:.*$/m, `sync_port: ${proxy.port}`), 'latin1');
  const { stderr } = await pair.master.run('sync_client', ['-C', config, '-v', '-v', '-o', ...whose]);
  // Where one side is from before 3.6 it takes intermediates, names of scripts and compiled ones for what has to go.
  const areNew = [pair.master, pair.replica].every(({ programs }) => programs.isAtLeast(3, 6));
  return appliedCommands(stderr)
    .filter((line) => areNew || !/^APPLY (?:UNMAILBOX|SIEVE|UNSIEVE) /.test(line))
    .filter((line) => layout.upgraded !== true || !OF_OLD_INTERMEDIATES.test(line))
    .map((line) => `the C client sends ${line}`)
    .concat(
      /received bad response/.test(stderr) ? ['the C client cannot read what the replica answers'] : [],
    );
}

/** The C client of 3.12 sends an intermediate that 3.2 has made to a replica of 3.10 at every run. */
const OF_OLD_INTERMEDIATES =
  /^APPLY (?:MAILBOX .* MBOXTYPE ed?i |RENAME %\(OLDMBOXNAME \S+\.Projects NEWMBOXNAME )/;

/**
 * Versions differ in whose a private annotation of a message is once its user has another name, and in what they make up of
 * quotas.
 */
const OF_THE_VERSION = /^mail > renamed .* value\.priv: |\/userrawquota: /;
/** After a merge each side keeps files of messages that it has had and the other has not. */
const OF_A_MERGE = /^files > /;
/** A server tells nobody of a user who is gone. */
const OF_THE_DELETED_USER = /^(?:list|files|views > \S+ > seenElsewhere) > (?:DELETED[./])?user[./]ivan\b/;

function isKnown(line: string, phase: Phase, { from }: MatrixCell): boolean {
  if (phase === 'split brain' && OF_A_MERGE.test(line)) return true;
  return OF_THE_VERSION.test(line) || (from === 'server' && OF_THE_DELETED_USER.test(line));
}

/** Mailboxes that only some servers make by themselves, or keep in another way: those for scripts and notifications. */
const MADE_BY_SERVERS = /#(?!calendars|addressbooks)/;

async function contents(
  server: CyrusServer,
  users: readonly string[],
  withCalendars: boolean,
): Promise<unknown> {
  const { list, mail, files, users: views } = await dumpServer(server, users, { scripts: false });
  const rows = Object.entries(list).filter(
    ([name, { mbtype }]) => !MADE_BY_SERVERS.test(name) && !mbtype.includes('i'),
  );
  const scripts: Record<string, unknown> = {};
  // A login makes a mailbox for scripts, so only those are asked who have had some from the beginning.
  for (const user of users.filter((each) => SCRIPTED.test(each))) {
    await using sieve = await SieveClient.login(server, user);
    // A replica that keeps scripts as mailboxes garbles other names of those that come as files.
    scripts[user] = await sieve.scripts((name) => /^[a-z0-9 ]+$/.test(name));
  }
  const calendars: Record<string, unknown> = {};
  // A request makes calendars for whoever has none.
  const owners = users.filter(
    (user) => files[mailboxOf(server, user, ['#calendars', 'extra'])] !== undefined,
  );
  for (const user of withCalendars ? owners : []) calendars[user] = await calendarsAsSeen(server, user);
  return {
    list: Object.fromEntries(rows.map(([name, row]) => [name, { ...row, mbtype: typeOf(row) }])),
    mail,
    files: Object.fromEntries(Object.entries(files).filter(([name]) => !MADE_BY_SERVERS.test(name))),
    views,
    scripts,
    calendars,
  };
}

/** Letters of what the mailbox of a row holds if it is no mail. */
function typeOf({ mbtype }: { mbtype: string }): string {
  return mbtype.replaceAll(/[^ac]/g, '');
}

/** Users of even index of the population, whatever becomes of the others. */
const SCRIPTED = /^(?:chiara-b|eva)$/;
