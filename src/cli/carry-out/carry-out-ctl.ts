import { bytesFromText } from '../../byte-string.ts';
import { EXIT_FAILED, EXIT_OK } from '../../coordinator/run/exit-codes.ts';
import { askControlSocket } from '../../operate/control/ask-control-socket.ts';
import { isControlVerb, isRefusal } from '../../operate/control/control-request.ts';
import { printable } from '../../report/printable.ts';
import { shownValue } from '../../report/shown-value.ts';
import { usageError } from '../arguments/arguments.ts';
import { clearAwayIfGone } from './clear-away-if-gone.ts';
import { controlSocket, controlSockets, type NamedSocket } from './control-sockets.ts';
import { printLines } from './print.ts';

/**
 * Says one thing to a run, and prints what it answers.
 *
 * @param words the run, unless there is one alone, and what to say
 * @returns the exit code
 */
export async function carryOutCtl(
  words: readonly string[],
  json: boolean,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const [first = ''] = words;
  const hasName = !isControlVerb(first);
  const said = hasName ? words.slice(1) : words;
  if (said.join('').trim() === '')
    throw usageError(`expected a verb, such as status, found ${shownValue(first)} alone`);
  const { path } = hasName ? controlSocket(environment, first) : await onlyOne(controlSockets(environment));
  const request = bytesFromText([...(json ? ['json'] : []), ...said].join(' '));
  if (/[\r\n]/.test(request)) throw usageError('expected one line');
  const answer = await askControlSocket(path, request);
  printLines(answer.split('\n').map(printable));
  return isRefusal(answer) ? EXIT_FAILED : EXIT_OK;
}

async function onlyOne(listed: readonly NamedSocket[]): Promise<NamedSocket> {
  const gone = await Promise.all(listed.map(clearAwayIfGone));
  const sockets = listed.filter((_socket, index) => !gone[index]);
  const [only, ...others] = sockets;
  if (only && others.length === 0) return only;
  const found = only ? `found ${sockets.map(({ name }) => name).join(', ')}` : 'found none';
  throw usageError(`expected a NAME before the verb, unless one run alone is under way: ${found}`);
}
