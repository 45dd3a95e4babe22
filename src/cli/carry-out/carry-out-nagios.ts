import { askControlSocket } from '../../operate/control/ask-control-socket.ts';
import { ASK_AGAIN } from '../../operate/control/control-request.ts';
import { type ReadAnswer, readControlAnswer } from '../../operate/control/read-control-answer.ts';
import {
  type AskedRun,
  BETWEEN,
  nagiosVerdict,
  type Thresholds,
} from '../../operate/state/nagios-verdict.ts';
import type { RunView } from '../../operate/state/run-view.ts';
import { SyncError } from '../../report/sync-error.ts';
import { clearAwayIfGone } from './clear-away-if-gone.ts';
import { controlSocket, controlSockets, type NamedSocket } from './control-sockets.ts';
import { printLines } from './print.ts';

/** Monitors give a plugin ten seconds. */
const ANSWER_MS = 3_000;

/**
 * Says how runs stand as a monitoring plugin does.
 *
 * @param name of one; left out: all of this host
 * @returns the exit code of the plugin
 */
export async function carryOutNagios(
  name: string | undefined,
  thresholds: Thresholds,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const runs =
    name === undefined
      ? await Promise.all(controlSockets(environment).map(askListed))
      : [await askRun(controlSocket(environment, name))];
  const { exitCode, line } = nagiosVerdict(
    runs.filter((run) => run !== undefined),
    thresholds,
  );
  printLines([line]);
  return exitCode;
}

/** @returns undefined for a run that is over */
async function askListed(socket: NamedSocket): Promise<AskedRun | undefined> {
  const run = await askRun(socket);
  return run.view === undefined && (await clearAwayIfGone(socket)) ? undefined : run;
}

async function askRun({ name, path }: NamedSocket): Promise<AskedRun> {
  const { answer, error } = await ask(path, 'status');
  if (error === ASK_AGAIN) return { name, view: BETWEEN, backlog: undefined };
  const view = answer as RunView | undefined;
  const backlog = view?.rolling ? await ask(path, 'backlog') : undefined;
  return { name, view, backlog: backlog?.answer as AskedRun['backlog'] };
}

async function ask(path: string, verb: string): Promise<ReadAnswer> {
  try {
    return readControlAnswer(await askControlSocket(path, `json ${verb}`, ANSWER_MS), true);
  } catch (caught) {
    // Whatever the reason is, the run is to be looked after: that is what the verdict says.
    return { error: SyncError.from(caught).message };
  }
}
