/**
 * The door of `operate/hooks`. Here programs of the operator are called when something has happened that somebody should know
 * of. It may start processes, without a shell and with nothing in their environment but where programs are and what has
 * happened, and it never makes a replication wait for one. How each ended is told as an event.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import PQueue from 'p-queue';
import { nowMs } from '../../now-ms.ts';
import type { EventListener } from '../../report/events.ts';
import { cutToOctets } from './cut-to-octets.ts';
import { type HookAbout, type HookCall, HookFacts, type HookName } from './hook-facts.ts';

export type HookPrograms = Readonly<Partial<Record<HookName, string>>>;

/** A program that takes longer hangs. */
export const HOOK_TIMEOUT_MS = 30_000;
/** They are somebody's mail or a line in a monitor, not work. */
const AT_ONCE = 2;
/** A thousand users who fail for one reason need not call a program a thousand times. */
const MOST_WAITING = 50;
/** The kernel starts no program with a variable of 128 KiB, nor, where it is strictest, with as much in all of them together. */
const MOST_VALUE_OCTETS = 16_384;
/** Variables that a program needs of this environment; any other may be a secret. */
const INHERITED = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'HOME'];

export interface Hooks {
  hear: EventListener;
  /** Resolves when all that were called have ended, which their time limit sees to. */
  ended(): Promise<void>;
}

/** @param emit is told how each ended */
export function hooks(
  programs: HookPrograms,
  about: HookAbout,
  environment: NodeJS.ProcessEnv,
  emit: EventListener,
  timeoutMs: number = HOOK_TIMEOUT_MS,
): Hooks {
  const facts = new HookFacts(about);
  const queue = new PQueue({ concurrency: AT_ONCE });
  let left = 0;
  const call = ({ hook, facts: told }: HookCall): void => {
    const program = programs[hook];
    if (program === undefined) return;
    if (queue.size >= MOST_WAITING) {
      left += 1;
      if (left === 1) emit({ kind: 'hook:left-out', hook, most: MOST_WAITING });
      return;
    }
    const began = nowMs();
    void queue.add(async () => {
      const end = await runProgram(program, { CYRUS_SYNC_HOOK: hook, ...told }, environment, timeoutMs);
      emit({ kind: 'hook:ended', hook, program, ...end, elapsedMs: nowMs() - began });
      if (queue.size === 0) left = 0;
    });
  };
  return {
    hear: (event) => {
      for (const each of facts.callsFor(event)) call(each);
    },
    ended: () => queue.onIdle(),
  };
}

/** `code` undefined: it could not be started or was ended by a signal, as `reason` says. */
interface ProgramEnd {
  code: number | undefined;
  reason: string | undefined;
}

/** Never rejects: nobody waits for a hook, so that nobody would hear of it. */
async function runProgram(
  program: string,
  facts: Readonly<Record<string, string>>,
  environment: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<ProgramEnd> {
  const inherited = INHERITED.flatMap((name) =>
    environment[name] === undefined ? [] : [[name, environment[name]]],
  );
  const told = Object.entries(facts).map(([name, value]) => [
    name,
    cutToOctets(value.replaceAll('\0', ''), MOST_VALUE_OCTETS),
  ]);
  try {
    const child = spawn(program, [], {
      cwd: '/',
      env: Object.fromEntries([...inherited, ...told]),
      stdio: 'ignore',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return { code: code ?? undefined, reason: signal === null ? undefined : `ended by ${signal}` };
  } catch (caught) {
    // Node has an event for some of what keeps a program from being started, and throws all else, as while it is being written.
    return { code: undefined, reason: caught instanceof Error ? caught.message : String(caught) };
  }
}
