import { setTimeout as wait } from 'node:timers/promises';
import type { ByteString } from '../../byte-string.ts';
import { systemClock } from '../../coordinator/clock.ts';
import type { Steering } from '../../coordinator/steering.ts';
import { chooseLocks } from '../../native/locks.ts';
import { openSyslog } from '../../native/syslog.ts';
import type { HookAbout } from '../../operate/hooks/hook-facts.ts';
import type { Hooks } from '../../operate/hooks/hooks.ts';
import { watchLag } from '../../operate/hooks/watch-lag.ts';
import { type Watch, watch } from '../../operate/watch.ts';
import type { Finding } from '../../preflight/finding.ts';
import type { EventListener } from '../../report/events.ts';
import type { PartOf } from '../../report/part-of.ts';
import { type ProgramWords, REPLICATING } from '../../report/program-words.ts';
import { openReport, type Report } from '../../report/report.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { RollingPlan } from '../run-plan/rolling-plan.ts';
import type { RunPlan } from '../run-plan/run-plan.ts';
import { joinWeb } from './join-web.ts';
import type { OutputFiles } from './output-files.ts';

export interface Begun extends AsyncDisposable {
  report: Report;
  /** Resolves when the programs that were called have ended; to be waited for before the report is closed. */
  hooksEnded(): Promise<void>;
  /** How things stand: it hears all that the report hears. */
  watching: Watch;
  /** For whoever may give orders, as long as there is something to steer. */
  steer(steering: Steering): Disposable;
}

/** For whoever has runs carried out as a part of something larger. */
export interface Heard {
  /** Names the run in its log. */
  run?: string | undefined;
  /** Says what the run is a part of, in all that is told of it. */
  part?: PartOf | undefined;
  /** Hears all events of the run. */
  hear?: EventListener | undefined;
}

/** The beginning of every mode: how this thread locks, the report, and what is to be said before anything else. */
export async function begin(
  plan: RunPlan | RollingPlan,
  files: OutputFiles = {},
  words: ProgramWords = REPLICATING,
  { run = `${Math.floor(Date.now() / 1_000)}-${process.pid}`, hear, part }: Heard = {},
): Promise<Begun> {
  const { output, channel, setup, warnings } = plan;
  chooseLocks(setup.locks);
  const { server } = setup.connection;
  const spellMailbox = (internal: ByteString): ByteString => externalName(setup.layout, internal);
  const rolling = !('mode' in plan);
  const watching = watch({ server, channel, rolling, spellMailbox }, systemClock.now);
  let steering: Steering | undefined;
  const { web } = plan;
  const joined =
    web && (await joinWeb(web, { channel, state: watching.state, steering: () => steering, part }));
  const called = await openHooks(plan, { run, channel, server, spellMailbox }, (event) => report.emit(event));
  const report: Report = await openReport({
    ...output,
    ...{ run, part, channel },
    tellsDifferences: 'mode' in plan,
    words,
    server,
    spellMailbox,
    ...files,
    streams: process,
    sinks: [watching.hear, joined?.hear, called?.hear, hear].filter((sink) => sink !== undefined),
    openDisplay: async (lines) => {
      const { progressDisplay } = await import('../../operate/progress/progress-display.ts');
      const { progress, statsSeconds } = output;
      return progressDisplay(lines, {
        stderr: process.stderr,
        view: watching.view,
        terminal: process.env.TERM,
        lineMs: statsSeconds === undefined ? undefined : statsSeconds * 1_000,
        linesOnly: !progress || statsSeconds !== undefined,
      });
    },
    openSyslog,
  });
  const begun: Begun = {
    ...{ report, watching },
    hooksEnded: async () => await called?.ended(),
    steer: (given) => {
      steering = given;
      const { hooks: programs, lagLimitSeconds } = plan.operate;
      const lag =
        called && rolling && programs.on_lag !== undefined
          ? watchLag(lagLimitSeconds, given, called.hear, systemClock.after)
          : undefined;
      return {
        [Symbol.dispose]: () => {
          steering = undefined;
          lag?.[Symbol.dispose]();
        },
      };
    },
    [Symbol.asyncDispose]: async () => await joined?.[Symbol.asyncDispose](),
  };
  for (const { text, hint } of warnings) {
    report.emit({ kind: 'run:warning', text, hint });
    report.remark(`${text} (${hint})`);
  }
  return begun;
}

/** Warns of what `cyrus-sync check` would call a problem, at the start of a run that goes on all the same. */
export function warnOf(findings: readonly Finding[], report: Report): void {
  for (const { verdict, check, text, advice } of findings) {
    // What could not be told is nothing to be warned of in each run.
    if (verdict === 'ok' || (verdict === 'warning' && check !== 'space')) continue;
    const hint = advice ?? 'cyrus-sync check tells more';
    report.emit({ kind: 'run:warning', text, hint });
    report.remark(`${text} (${hint})`);
  }
}

/** -w. @returns false if told to stop meanwhile */
export async function startDelay(seconds: number, report: Report, signal: AbortSignal): Promise<boolean> {
  if (seconds <= 0) return true;
  report.say(`Waiting for ${seconds} seconds for gdb attach...`);
  try {
    await wait(seconds * 1_000, undefined, { signal });
    return true;
  } catch {
    // The one thing that ends a wait early is the signal.
    report.emit({ kind: 'run:stopping' });
    return false;
  }
}

/** Most runs have none, and load nothing for them. */
async function openHooks(
  { operate }: RunPlan | RollingPlan,
  about: Omit<HookAbout, 'lagLimitSeconds'>,
  emit: EventListener,
): Promise<Hooks | undefined> {
  const { hooks: programs, lagLimitSeconds } = operate;
  if (Object.keys(programs).length === 0) return undefined;
  const { hooks } = await import('../../operate/hooks/hooks.ts');
  return hooks(programs, { ...about, lagLimitSeconds }, process.env, emit);
}
