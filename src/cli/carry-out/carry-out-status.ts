import { setTimeout as wait } from 'node:timers/promises';
import { EXIT_FAILED, EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import { askControlSocket } from '../../operate/control/ask-control-socket.ts';
import { ASK_AGAIN } from '../../operate/control/control-request.ts';
import { type ReadAnswer, readControlAnswer } from '../../operate/control/read-control-answer.ts';
import { openScreen } from '../../operate/progress/screen.ts';
import { printable } from '../../report/printable.ts';
import { SyncError } from '../../report/sync-error.ts';
import { clearAwayIfGone } from './clear-away-if-gone.ts';
import { controlSocket, controlSockets, type NamedSocket } from './control-sockets.ts';
import { printJson, printLines, untilUnread } from './print.ts';

const WATCH_MS = 1_000;
/** A run that does not answer must not hold up what is told of the others. */
const ANSWER_MS = 2_000;
/** A line for each of several runs: how it stands, users, octets. */
const LINES_OF_EACH = 3;

type Told = ReadAnswer & { name: string };

/**
 * Says how runs stand.
 *
 * @param name of one; left out: all of this host
 * @returns the exit code
 */
export async function carryOutStatus(
  name: string | undefined,
  { watch, json }: { watch: boolean; json: boolean },
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const ask = async (): Promise<Told[]> => {
    if (name !== undefined) return [await askOne(controlSocket(environment, name), json)];
    const told = await Promise.all(controlSockets(environment).map((socket) => askListed(socket, json)));
    return told.filter((each) => each !== undefined);
  };
  const whole = name !== undefined;
  if (!watch) {
    const told = await ask();
    if (json) printJson(jsonOf(told));
    else printLines(textOf(told, whole));
    return exitCodeOf(told);
  }
  using screen = openScreen(process.stdout, environment.TERM);
  const ended = AbortSignal.any([signal, untilUnread()]);
  for (;;) {
    const told = await ask();
    if (json) printJson(jsonOf(told));
    else screen.show(textOf(told, whole));
    await wait(WATCH_MS, undefined, { signal: ended }).catch(() => {
      // The one thing that ends it early is the signal, which is looked at next.
    });
    if (ended.aborted) return exitCodeOf(told);
  }
}

/** @returns undefined for a run that is over */
async function askListed(socket: NamedSocket, json: boolean): Promise<Told | undefined> {
  const told = await askOne(socket, json);
  return told.error !== undefined && (await clearAwayIfGone(socket)) ? undefined : told;
}

async function askOne({ name, path }: NamedSocket, json: boolean): Promise<Told> {
  try {
    const answer = await askControlSocket(path, json ? 'json status' : 'status', ANSWER_MS);
    return { name, ...readControlAnswer(answer, json) };
  } catch (caught) {
    return { name, error: SyncError.from(caught).message };
  }
}

function textOf(told: readonly Told[], whole: boolean): string[] {
  if (told.length === 0) return ['no run is under way that can be asked'];
  return told.flatMap(({ name, answer, error }) => {
    const lines = (error ?? String(answer)).split('\n').map(printable);
    if (whole) return lines;
    const [first = '', ...rest] = lines.slice(0, LINES_OF_EACH);
    return [`${printable(name)}: ${first}`, ...rest.map((line) => `    ${line}`)];
  });
}

function jsonOf(told: readonly Told[]): object[] {
  return told.map(({ name, answer, error }) =>
    error === undefined ? { name, status: answer } : { name, error },
  );
}

/** A run that is beginning or ending has answered, and is in order. */
function exitCodeOf(told: readonly Told[]): number {
  return told.some(({ error }) => error !== undefined && error !== ASK_AGAIN) ? EXIT_FAILED : EXIT_OK;
}
