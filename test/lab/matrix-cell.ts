import { appliedCommands } from './assert-same-mail.ts';
import { changeRound } from './change-round.ts';
import type { CyrusPrograms } from './cyrus-programs.ts';
import { type CyrusServer, type Pair, startPair } from './cyrus-server.ts';
import { differences } from './differences.ts';
import { dumpServer } from './dump-server.ts';
import { quoteImap } from './imap-values.ts';
import { mailboxOf, type Population, populate } from './populate.ts';
import { RollingClient } from './rolling-client.ts';
import { SieveClient } from './sieve-client.ts';
import { syncClientOk } from './sync-client.ts';
import { BASE, openSides } from './two-sides.ts';

/** One combination that sites have: who sends, who receives, and by which service. */
export interface MatrixCell {
  master: CyrusPrograms;
  replica: CyrusPrograms;
  service: 'csync' | 'imapd';
}

export const PHASES = ['first copy', 'changes', 'renames', 'rolling', 'split brain'] as const;
export type Phase = (typeof PHASES)[number];

/** Lists for each phase what was wrong after it. A phase that could not be judged is wrong. */
export type CellOutcome = Record<Phase, string[]>;

/** More keywords than one word of a record's flags holds. */
const KEYWORDS = Array.from({ length: 70 }, (_, i) => `Keyword${i}`);
/** Places in the population of users whom rounds of changes leave alone. */
const RENAMED = 6;
const DELETED = 8;
/** Differences kept of a phase. */
const KEPT = 12;

/** Runs all phases on a fresh pair, each on what those before have left. */
export async function runMatrixCell({ master, replica, service }: MatrixCell): Promise<CellOutcome> {
  const common = { conversations: 'yes', allowusermoves: 'yes' };
  await using pair = await startPair({
    both: { imapd: common },
    master: { programs: master, imapd: { sync_log: 'yes', hashimapspool: 'yes' } },
    replica: { programs: replica },
  });
  if (service === 'imapd') {
    pair.master.configure('sync_port', String(pair.replica.imapPort));
    pair.master.configure('sync_try_imap', 'yes');
    await pair.master.writeConfiguration();
  }
  let population = await populate(pair.master, { users: 10 });
  await useManyKeywords(pair.master, population);
  const phases: Record<Phase, () => Promise<void>> = {
    'first copy': () => copy(pair),
    changes: async () => {
      population = await changeRound(pair.master, population);
      await copy(pair);
    },
    renames: async () => {
      const deleted = population.users[DELETED] ?? '';
      population = await renameAndDelete(pair.master, population);
      await copy(pair);
      // Whoever is gone is nobody of -A.
      await syncClientOk(pair.master, ['-u', deleted]);
    },
    rolling: async () => {
      await using client = new RollingClient(pair);
      await client.settled();
      population = await changeRound(pair.master, population, 2);
      await client.settled();
    },
    'split brain': async () => {
      await changeBothSides(pair, population);
      await copy(pair);
    },
  };
  const outcome = Object.fromEntries(PHASES.map((phase) => [phase, [] as string[]])) as CellOutcome;
  for (const phase of PHASES) {
    try {
      await phases[phase]();
      const wrong = [...(await whatDiffers(pair, population)), ...(await whatIsLeft(pair))];
      outcome[phase].push(...wrong.slice(0, KEPT));
    } catch (error) {
      outcome[phase].push((error as Error).message);
    }
  }
  return outcome;
}

async function copy(pair: Pair): Promise<void> {
  await syncClientOk(pair.master, ['-A']);
}

async function useManyKeywords(server: CyrusServer, { users: [user = ''] }: Population): Promise<void> {
  await using client = await server.imap(user);
  await client.ok('SELECT INBOX');
  await client.ok(`STORE 1:* +FLAGS (${KEYWORDS.join(' ')})`);
}

/** A user and a folder get another name, a folder is made under a former name, a user and a folder are deleted. */
async function renameAndDelete(server: CyrusServer, population: Population): Promise<Population> {
  const [renamed = '', other = '', last = ''] = population.users.slice(RENAMED);
  await using admin = await server.imap();
  const name = (user: string, folder: readonly string[] = []) => quoteImap(mailboxOf(server, user, folder));
  for (const mailbox of [name(last), name(other, ['Work'])]) {
    await admin.ok(`SETACL ${mailbox} admin lrswipkxtecdan`);
  }
  await admin.ok(`RENAME ${name(renamed)} ${name('renamed')}`);
  await admin.ok(`RENAME ${name(other, ['Work'])} ${name(other, ['Play'])}`);
  await admin.ok(`CREATE ${name(other, ['Work'])}`);
  await admin.ok(`DELETE ${name(last)}`);
  const users = population.users.filter((user) => user !== renamed && user !== last);
  return { ...population, users: [...users, 'renamed'] };
}

/** Different mail and flags in one mailbox at both ends. */
async function changeBothSides(pair: Pair, population: Population): Promise<void> {
  await using sides = await openSides(pair);
  const mailbox = quoteImap(mailboxOf(pair.master, population.users[0] ?? ''));
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
  const [here, there] = await Promise.all(
    [pair.master, pair.replica].map((server) => contents(server, users)),
  );
  return differences(here, there).filter((line) => !OF_THE_VERSION.test(line));
}

/** Asks the master's own C client what it would still send. */
async function whatIsLeft(pair: Pair): Promise<string[]> {
  const { stderr } = await pair.master.run('sync_client', ['-v', '-v', '-o', '-A']);
  // Where one side is from before 3.6 it takes intermediates, names of scripts and compiled ones for what has to go.
  const areNew = [pair.master, pair.replica].every(({ programs }) => programs.isAtLeast(3, 6));
  const isOurs = (line: string) => areNew || !/^APPLY (?:UNMAILBOX|SIEVE|UNSIEVE) /.test(line);
  return appliedCommands(stderr)
    .filter(isOurs)
    .map((line) => `the C client sends ${line}`);
}

/**
 * Versions differ in whose a private annotation of a message is once its user has another name, and in what they make up of
 * quotas.
 */
const OF_THE_VERSION = /^mail > renamed .* value\.priv: |\/userrawquota: /;

async function contents(server: CyrusServer, users: readonly string[]): Promise<unknown> {
  const { list, mail, users: views } = await dumpServer(server, users, { scripts: false });
  const rows = Object.entries(list).filter(([name, { mbtype }]) => !/#/.test(name) && !mbtype.includes('i'));
  const scripts: Record<string, unknown> = {};
  // A login makes a mailbox for scripts, so only those are asked who have had some from the beginning.
  for (const user of users.filter((each) => SCRIPTED.test(each))) {
    await using sieve = await SieveClient.login(server, user);
    // A replica that keeps scripts as mailboxes garbles other names of those that come as files.
    scripts[user] = await sieve.scripts((name) => /^[a-z0-9 ]+$/.test(name));
  }
  return {
    list: Object.fromEntries(rows.map(([name, row]) => [name, { ...row, mbtype: '' }])),
    mail,
    views,
    scripts,
  };
}

/** Users of even index of the population, whatever becomes of the others. */
const SCRIPTED = /^(?:chiara-b|eva)$/;
