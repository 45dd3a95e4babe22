import { readFileSync } from 'node:fs';
import { textFromBytes } from '../../byte-string.ts';
import { openStore } from '../../coordinator/pool/open-store.ts';
import { EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import type { SizedUser } from '../../fleet/planner/inventory.ts';
import {
  MEAN_MESSAGE_OCTETS,
  parseSizedUsers,
  sizedUserLine,
} from '../../fleet/planner/parse-sized-users.ts';
import { planFleet } from '../../fleet/planner/plan-fleet.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { becomeCyrusUser } from '../run-plan/become-cyrus-user.ts';
import { planRun } from '../run-plan/plan-run.ts';
import { readInventory } from '../run-plan/read-inventory.ts';
import { planLines } from './fleet-lines.ts';
import type { FleetStep } from './fleet-step.ts';
import { printJson, printLines } from './print.ts';

/** Users of a server that are asked about together. */
const USERS_AT_ONCE = 100;

/** @returns the exit code */
export async function carryOutFleetPlan(step: FleetStep, environment: NodeJS.ProcessEnv): Promise<number> {
  const { args, json } = step;
  if (step.step === 'sizes') {
    const users = await usersOfMaster(args, environment);
    printLines(users.map(sizedUserLine));
    return EXIT_OK;
  }
  const { inventory, userFiles } = readInventory(step.name);
  const users = new Map<string, readonly SizedUser[]>();
  for (const [master, file] of userFiles) users.set(master, readSizedUsers(file, master));
  const fleet = step.fleet ?? inventory.fleet;
  for (const { name, server, settings } of inventory.masters) {
    if (users.has(name)) continue;
    if (server === undefined) {
      throw new SyncError(
        'CONFIG',
        `${step.name}: expected users = FILE or server = HOST in [master ${name}]`,
        {
          phase: 'start',
          hint: 'cyrus-sync fleet sizes on that master prints such a file',
        },
      );
    }
    users.set(
      name,
      await usersOfMaster(
        { ...args, from: server, settingsFile: settings ?? args.settingsFile },
        environment,
      ),
    );
  }
  const plan = planFleet({ ...inventory, fleet }, users);
  if (json) printJson(plan);
  else printLines(planLines(plan));
  return EXIT_OK;
}

/** @throws SyncError IO, CONFIG */
function readSizedUsers(file: string, master: string): SizedUser[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (caught) {
    throw new SyncError('IO', `users of [master ${master}]: ${SyncError.from(caught).message}`, {
      phase: 'start',
    });
  }
  return parseSizedUsers(content, file);
}

/** Asks the master, over its files or its server; how large mail is, is taken from how much there is of it. */
async function usersOfMaster(args: Arguments, environment: NodeJS.ProcessEnv): Promise<SizedUser[]> {
  const plan = planRun({ ...args, mode: 'all', operands: [] }, environment, false);
  becomeCyrusUser(plan.identity);
  const store = openStore(plan.setup, () => undefined);
  try {
    await store.refresh({ everybody: true });
    const userids: string[] = [];
    const users: SizedUser[] = [];
    for (const found of store.enumerate()) {
      // Whoever holds the list is asked again by the run; a plan can do without.
      if (found.kind === 'user') userids.push(found.userid);
    }
    for (let at = 0; at < userids.length; at += USERS_AT_ONCE) {
      const some = userids.slice(at, at + USERS_AT_ONCE);
      const view = store.forJob();
      await view.refresh({ users: some });
      for (const userid of some) {
        const { messages } = view.estimate(userid);
        users.push({ user: textFromBytes(userid), messages, octets: messages * MEAN_MESSAGE_OCTETS });
      }
    }
    return users;
  } finally {
    store.close();
  }
}
