import { askControlSocket } from '../../operate/control/ask-control-socket.ts';
import { type AskedRun, nagiosVerdict, type Thresholds } from '../../operate/state/nagios-verdict.ts';
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
  const sockets = name === undefined ? controlSockets(environment) : [controlSocket(environment, name)];
  const { exitCode, line } = nagiosVerdict(await Promise.all(sockets.map(askRun)), thresholds);
  printLines([line]);
  return exitCode;
}

async function askRun({ name, path }: NamedSocket): Promise<AskedRun> {
  const view = await ask<NonNullable<AskedRun['view']>>(path, 'status');
  const backlog = view?.rolling ? await ask<NonNullable<AskedRun['backlog']>>(path, 'backlog') : undefined;
  return { name, view, backlog };
}

/** @returns undefined if nobody answers, or what it answers is none */
async function ask<Answer>(path: string, verb: string): Promise<Answer | undefined> {
  try {
    const told: { ok: boolean; answer?: Answer } = JSON.parse(
      await askControlSocket(path, `json ${verb}`, ANSWER_MS),
    );
    return told.ok ? told.answer : undefined;
  } catch {
    // Whatever the reason is, the run is to be looked after: that is what the verdict says.
    return undefined;
  }
}
