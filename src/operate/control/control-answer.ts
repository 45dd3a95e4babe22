import type { Steered, Steering } from '../../coordinator/steering.ts';
import { entryError } from '../../report/document/report-entry.ts';
import type { Backlog } from '../../report/events.ts';
import { spellNames } from '../../report/name-in-text.ts';
import { printableBytes } from '../../report/printable.ts';
import { printableJson } from '../../report/printable-json.ts';
import type { SpellMailbox } from '../../report/spell-mailbox.ts';
import { SyncError } from '../../report/sync-error.ts';
import { backlogText } from '../../report/words/rolling-lines.ts';
import type { RunView, UserView } from '../state/run-view.ts';
import { standingText } from '../state/standing.ts';
import { octetsText, statusLines, timeText } from '../state/status-lines.ts';
import type { Bandwidth } from '../throttle/bandwidth.ts';
import { timetableText } from '../throttle/timetable.ts';
import {
  ASK_AGAIN,
  CONTROL_HELP,
  type ControlRequest,
  type ParsedRequest,
  type UserList,
} from './control-request.ts';

/** Everything that a control socket tells of and acts on. */
export interface Controlled {
  view(): RunView;
  users(list: Exclude<UserList, 'waiting'>, most: number): UserView[];
  /** Those who wait for more than their turn. */
  heldUp(most: number): UserView[];
  spellMailbox: SpellMailbox;
  steering: Steering;
  bandwidth: Bandwidth;
}

/** Users that one answer lists. */
const MOST_LISTED = 1_000;
const BY_CONTROL = 'control';

const ANSWERS: Readonly<Record<Steered, string>> = {
  done: 'ok',
  running: 'is being worked on at this moment',
  'as-it-was': 'nothing to change',
  failed:
    'has failed for good, and this run begins nothing any more: sync_client -u tries again now, the next run does anyway (--failures lists all of these)',
  unknown: 'no such user is left to be replicated here',
};

/** An answer as plain data, which JSON is made of, and as lines for people. */
interface Answer {
  ok: boolean;
  data: unknown;
  lines: readonly string[];
}

/**
 * Does what is asked and says what came of it: lines of text, or one of JSON, without the last end. Never throws.
 *
 * @param run undefined: not yet, or no more
 */
export function controlAnswer({ json, request }: ParsedRequest, run: Controlled | undefined): string {
  if (typeof request === 'string') return controlRefusal(json, request);
  return run ? answerText(json, attempt(request, run)) : controlRefusal(json, ASK_AGAIN);
}

/** The one form in which anything is refused, as whoever asks for JSON reads nothing else. */
export function controlRefusal(json: boolean, text: string): string {
  return answerText(json, refusal(text));
}

function answerText(json: boolean, { ok, data, lines }: Answer): string {
  return json ? printableJson({ ok, ...(ok ? { answer: data } : { error: data }) }) : lines.join('\n');
}

function refusal(text: string): Answer {
  const shown = printableBytes(text);
  return { ok: false, data: shown, lines: [`error: ${shown}`] };
}

function attempt(request: ControlRequest, run: Controlled): Answer {
  try {
    return answer(request, run);
  } catch (caught) {
    return refusal(SyncError.from(caught).message);
  }
}

function answer(request: ControlRequest, run: Controlled): Answer {
  const { steering, bandwidth } = run;
  switch (request.verb) {
    case 'help':
      return told(
        CONTROL_HELP.map(([verb, what]) => ({ verb, what })),
        CONTROL_HELP.map(([verb, what]) => `${verb.padEnd(36)} ${what}`),
      );
    case 'status': {
      const view = run.view();
      return told(view, statusLines(view));
    }
    case 'users':
      return users(request.list, run);
    case 'workers': {
      const { limit, most, open } =
        request.limit === undefined ? steering.connections : steering.setConnections(request.limit);
      const fewer = limit !== 'auto' && limit > most ? ` (this process may open ${most})` : '';
      return told({ limit, most, open }, [`workers=${limit}${fewer}, ${open} connected`]);
    }
    case 'bwlimit': {
      if (request.timetable) bandwidth.set(request.timetable);
      const { bwlimit } = steering;
      const timetable = timetableText(bandwidth.timetable);
      const now = bwlimit === undefined ? 'off' : `${octetsText(bwlimit)}/s`;
      return told({ bwlimit: bwlimit ?? null, timetable }, [`bwlimit=${timetable}, now ${now}`]);
    }
    case 'pause': {
      const reason =
        request.reason === '' ? 'paused by hand' : `paused by hand: ${printableBytes(request.reason)}`;
      steering.pause({ by: BY_CONTROL, reason });
      return pauses(steering);
    }
    case 'resume':
      steering.resume(BY_CONTROL);
      return pauses(steering);
    case 'now':
    case 'skip':
    case 'unskip':
    case 'retry': {
      const steered = steering[request.verb](request.user);
      const user = printableBytes(request.user);
      const line = `${request.verb} ${user}: ${ANSWERS[steered]}`;
      return steered === 'unknown' || steered === 'failed' ? refusal(line) : told({ user, steered }, [line]);
    }
    case 'backlog': {
      const backlog = steering.backlog?.();
      if (!backlog) return refusal('expected a channel in rolling mode: this run has an end, see status');
      const text = spellNames(backlogText(backlog), run.spellMailbox);
      return told(spelled(backlog, run.spellMailbox), [printableBytes(text)]);
    }
    case 'stop':
      steering.stop();
      return told('stopping', ['stopping: what runs has its time to end']);
  }
}

function pauses({ pauses: all }: Steering): Answer {
  const reasons = all.map(({ reason }) => reason);
  return told({ pauses: reasons }, [reasons.length === 0 ? 'not paused' : `paused: ${reasons.join('; ')}`]);
}

function users(list: UserList, run: Controlled): Answer {
  if (list === 'waiting') return waiting(run);
  const views = run.users(list, MOST_LISTED);
  const lines = views.map(({ user, standing, forMs, messages, octets }) =>
    [
      user,
      standingText(standing),
      timeText(forMs / 1_000),
      `${messages} messages, ${octetsText(octets)}`,
    ].join('  '),
  );
  return told(views, lines.length === 0 ? ['nobody'] : lines);
}

function spelled({ quarantined, ...rest }: Backlog, spell: SpellMailbox): unknown {
  return {
    ...rest,
    quarantined: quarantined.map(({ user, error, ...each }) => ({
      ...each,
      user: printableBytes(spellNames(user, spell)),
      error: entryError(error, spell),
    })),
  };
}

/** Those who wait for their turn alone are a name. */
function waiting({ steering, heldUp, spellMailbox }: Controlled): Answer {
  const held = new Map(heldUp(MOST_LISTED).map(({ user, standing }) => [user, standing]));
  const users = steering.waiting(MOST_LISTED).map((name) => {
    const user = printableBytes(spellNames(name, spellMailbox));
    return { user, standing: held.get(user) ?? ({ word: 'waiting' } as const) };
  });
  const lines = users.map(({ user, standing }) =>
    standing.word === 'waiting' ? user : `${user}  ${standingText(standing)}`,
  );
  return told(users, lines.length === 0 ? ['nobody'] : lines);
}

function told(data: unknown, lines: readonly string[]): Answer {
  return { ok: true, data, lines };
}
