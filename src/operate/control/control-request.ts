import { type ByteString, withoutBlanksAround } from '../../byte-string.ts';
import { parseTimetable, TIMETABLE_FORMS, type Timetable } from '../throttle/timetable.ts';

export const USER_LISTS = ['slow', 'failed', 'waiting', 'running'] as const;
export type UserList = (typeof USER_LISTS)[number];

/** The requests to a run. `name = ?` asks what is in force. */
export type ControlRequest =
  | { verb: 'help' | 'status' | 'resume' | 'backlog' | 'stop' }
  | { verb: 'users'; list: UserList }
  | { verb: 'workers'; limit: number | 'auto' | undefined }
  | { verb: 'bwlimit'; timetable: Timetable | undefined }
  | { verb: 'pause'; reason: ByteString }
  | { verb: 'now' | 'skip' | 'unskip' | 'retry'; user: ByteString };

export interface ParsedRequest {
  json: boolean;
  /** A text: what was expected. */
  request: ControlRequest | string;
}

/** Connections that a run may be given while it runs. */
const MOST_WORKERS = 64;

export const CONTROL_HELP: readonly (readonly [verb: string, what: string])[] = [
  ['status', 'how it stands, who is at work and who failed last'],
  ['users [slow|failed|waiting|running]', 'users, those at work longest first'],
  ['workers=N | auto | ?', 'connections to the replica at most'],
  ['bwlimit=RATE | TIMETABLE | off | ?', 'octets a second of all connections together'],
  ['pause [REASON]', 'nothing is begun and nothing goes out'],
  ['resume', 'takes back what pause asked for'],
  ['now USER', 'this user next'],
  ['skip USER, unskip USER', 'not begun any more, or again'],
  ['retry USER', 'another attempt at once for one who failed or was locked'],
  ['backlog', 'how far behind a channel is (rolling mode)'],
  ['stop', 'end as for the first signal'],
  ['json VERB ...', 'the same, answered in one line of JSON'],
];

/** @param line octets, without its end */
export function parseControlRequest(line: ByteString): ParsedRequest {
  const words = withoutBlanksAround(line);
  const json = asksForJson(words);
  return { json, request: parseVerb(json ? withoutBlanksAround(words.slice('json'.length)) : words) };
}

/** Tells it by the beginning alone, so that a line may be refused that nobody has read to its end. */
export function asksForJson(line: ByteString): boolean {
  return /^[ \t]*json([ \t]|$)/.test(line);
}

function parseVerb(text: ByteString): ControlRequest | string {
  const setting = /^(workers|bwlimit)[ \t]*=[ \t]*(.*)$/.exec(text);
  if (setting) {
    const [, name, value = ''] = setting;
    return name === 'workers' ? workers(value) : bwlimit(value);
  }
  const [, verb = '', rest = ''] = /^([^ \t]*)[ \t]*(.*)$/s.exec(text) ?? [];
  switch (verb) {
    case '?':
    case 'help':
      return alone('help', rest);
    case 'status':
    case 'resume':
    case 'backlog':
    case 'stop':
      return alone(verb, rest);
    case 'users': {
      const list = rest === '' ? 'running' : USER_LISTS.find((each) => each === rest);
      return list ? { verb, list } : `expected users ${USER_LISTS.join('|')}, found "${rest}"`;
    }
    case 'pause':
      return { verb, reason: rest };
    case 'now':
    case 'skip':
    case 'unskip':
    case 'retry':
      return rest === '' ? `expected ${verb} USER` : { verb, user: rest };
    case 'workers':
    case 'bwlimit':
      return `expected ${verb}=VALUE, or ${verb}=? to be told`;
    default:
      return `expected one of ${verbs().join(', ')}, found "${verb}"`;
  }
}

function alone(
  verb: 'help' | 'status' | 'resume' | 'backlog' | 'stop',
  rest: string,
): ControlRequest | string {
  return rest === '' ? { verb } : `expected nothing behind ${verb}, found "${rest}"`;
}

function workers(value: string): ControlRequest | string {
  if (value === '?') return { verb: 'workers', limit: undefined };
  if (value === 'auto') return { verb: 'workers', limit: 'auto' };
  const limit = /^[0-9]{1,3}$/.test(value) ? Number(value) : 0;
  if (limit >= 1 && limit <= MOST_WORKERS) return { verb: 'workers', limit };
  return `expected workers=auto or a whole number from 1 to ${MOST_WORKERS}, found "${value}"`;
}

function bwlimit(value: string): ControlRequest | string {
  if (value === '?') return { verb: 'bwlimit', timetable: undefined };
  const timetable = parseTimetable(value);
  return timetable ? { verb: 'bwlimit', timetable } : `expected bwlimit=${TIMETABLE_FORMS}; found "${value}"`;
}

function verbs(): string[] {
  return CONTROL_HELP.flatMap(([verb]) => verb.split(', ').map((each) => each.split(/[ =]/)[0] ?? ''));
}

/** Tells whether a word begins a request, rather than being the name of a run. */
export function isControlVerb(word: string): boolean {
  return ['?', 'json', ...verbs()].includes(word.split('=')[0] ?? '');
}

/** A run is refused so that has not yet what can be asked and steered, or has it no more. Askers of other versions know it by its words. */
export const ASK_AGAIN = 'the run is just beginning or ending, ask again';

/** How an answer in text, or in JSON, says that nothing was done. */
export function isRefusal(answer: string): boolean {
  return /^(error: |\{"ok":false)/.test(answer);
}
