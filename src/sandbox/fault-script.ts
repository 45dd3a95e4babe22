import type { ByteString } from '../byte-string.ts';
import type { DlistValue } from '../protocol/dlist/value.ts';
import { ownerOf } from './storage/names.ts';

/**
 * A scripted misbehaviour.
 *  - `no`, `bad`, `bye`: answers so (with `text`) and does not do the command; `bye` then closes.
 *  - `cut-before`: drops the connection before the command takes effect; `cut-after`: after it, without an answer.
 *  - `cut-inside`: drops the connection when `octets` octets of the command were received.
 *  - `stall`: never answers again; the connection stays open and swallows what is sent.
 *  - `garbage`: does the command and answers with `text`, or octets that are no answer at all.
 *  - `damage`: answers GET FETCH with octets that are not the message's, as from a file that is damaged.
 *  - `delay`: waits `milliseconds`, then goes on as usual.
 */
export type FaultAction =
  | 'no'
  | 'bad'
  | 'bye'
  | 'cut-before'
  | 'cut-after'
  | 'cut-inside'
  | 'stall'
  | 'garbage'
  | 'damage'
  | 'delay';

export interface Fault {
  /** `APPLY MAILBOX`, `GET USER`, `RESTART`, `AUTHENTICATE`; `CONNECT` is the moment before the banner. */
  on: string;
  /** Only commands that name this mailbox (internal name). Not for `cut-inside`: the name is not known yet. */
  mailbox?: ByteString;
  /** Only commands for this userid, or for a mailbox of that user. Not for `cut-inside`. */
  user?: ByteString;
  /** The first occurrence that is hit, counted from 1 (default). */
  nth?: number;
  /** How many occurrences in a row are hit; default 1. */
  times?: number;
  do: FaultAction;
  /** After `NO `, `BAD ` or `BYE `; or the garbage itself. */
  text?: string;
  /** For `delay`. */
  milliseconds?: number;
  /** For `cut-inside`: of the whole command, files included; default 1. */
  octets?: number;
}

/** Garbage, unless the fault has its own: neither a final answer nor a DLIST line. */
export const DEFAULT_GARBAGE = '\x80\xff%(}{ no answer of any server\r\n';

interface ArmedFault {
  fault: Fault;
  seen: number;
  fired: number;
}

/** The faults of one sandbox, counted over all its connections. */
export class FaultScript {
  readonly #armed: ArmedFault[] = [];

  constructor(faults: readonly Fault[] = []) {
    for (const fault of faults) this.add(fault);
  }

  /** @returns how often the fault has struck so far, at the time of the call */
  add(fault: Fault): () => number {
    const armed = { fault, seen: 0, fired: 0 };
    this.#armed.push(armed);
    return () => armed.fired;
  }

  clear(): void {
    this.#armed.length = 0;
  }

  /** The fault for a command that was read whole. */
  strike(command: string, value: DlistValue | undefined): Fault | undefined {
    if (this.#armed.length === 0) return undefined;
    return this.#count((fault) => fault.do !== 'cut-inside' && matches(fault, command, value));
  }

  /** The `cut-inside` fault for a command of which only verb and name are known. */
  strikeInside(command: string): Fault | undefined {
    if (this.#armed.length === 0) return undefined;
    return this.#count((fault) => fault.do === 'cut-inside' && fault.on.toUpperCase() === command);
  }

  #count(matching: (fault: Fault) => boolean): Fault | undefined {
    let struck: Fault | undefined;
    for (const armed of this.#armed) {
      if (!matching(armed.fault)) continue;
      armed.seen++;
      const first = armed.fault.nth ?? 1;
      if (struck !== undefined || armed.seen < first || armed.seen >= first + (armed.fault.times ?? 1))
        continue;
      armed.fired++;
      struck = armed.fault;
    }
    return struck;
  }
}

function matches(fault: Fault, command: string, value: DlistValue | undefined): boolean {
  if (fault.on.toUpperCase() !== command) return false;
  if (fault.mailbox === undefined && fault.user === undefined) return true;
  const { mailboxes, users } = subjects(value);
  if (fault.mailbox !== undefined && !mailboxes.includes(fault.mailbox)) return false;
  return fault.user === undefined || users.includes(fault.user);
}

/** Names and userids a command speaks of. A bare word may be either. */
function subjects(value: DlistValue | undefined): { mailboxes: ByteString[]; users: ByteString[] } {
  const mailboxes: ByteString[] = [];
  const users: ByteString[] = [];
  if (typeof value === 'string') {
    mailboxes.push(value);
    users.push(value);
  } else if (Array.isArray(value)) {
    mailboxes.push(...strings(value));
  } else if (value instanceof Map) {
    for (const key of ['MBOXNAME', 'OLDMBOXNAME', 'NEWMBOXNAME', 'ROOT']) {
      mailboxes.push(...strings(value.get(key)));
    }
    users.push(...strings(value.get('USERID')));
  }
  for (const name of mailboxes) {
    const owner = ownerOf(name);
    if (owner !== undefined) users.push(owner);
  }
  return { mailboxes, users };
}

function strings(value: DlistValue | undefined): ByteString[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
