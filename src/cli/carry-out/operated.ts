import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { configError } from '../../config/config-error.ts';
import { systemClock } from '../../coordinator/clock.ts';
import type { Steering } from '../../coordinator/steering.ts';
import type { Controlled } from '../../operate/control/control-answer.ts';
import { openControlSocket } from '../../operate/control/open-control-socket.ts';
import type { HookPrograms } from '../../operate/hooks/hooks.ts';
import { Bandwidth } from '../../operate/throttle/bandwidth.ts';
import { PAUSES, watchPauses } from '../../operate/throttle/watch-pauses.ts';
import type { Watch } from '../../operate/watch.ts';
import type { Report } from '../../report/report.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { OperatePlan } from '../run-plan/operate-plan.ts';
import type { RollingPlan } from '../run-plan/rolling-plan.ts';
import { clearAwayIfGone } from './clear-away-if-gone.ts';
import { socketsIn } from './control-sockets.ts';
import { settingsChanges } from './settings-changes.ts';

/** Milliseconds: as long as a timer can be. */
const FOR_EVER_MS = 2 ** 30;
/** A run that is over sooner needs nobody to ask after it. */
const WORTH_ASKING_MS = 1_000;

/** Has what can be changed of a channel while it runs, and what it is compared with. */
type Channel = Pick<RollingPlan, 'settings' | 'connections'>;

/** Opens all that watches and steers a run from outside, as its plan says. */
export class Operated implements AsyncDisposable {
  #plan: OperatePlan;
  #channel: Channel | undefined;
  #pausing: Disposable | undefined;
  #socket: AsyncDisposable | undefined;
  #controlled: Controlled | undefined;

  private constructor(plan: OperatePlan, channel: Channel | undefined) {
    this.#plan = plan;
    this.#channel = channel;
  }

  /** @throws SyncError USAGE if the control socket that was asked for cannot be made, CONFIG if a program cannot be called */
  static async open(plan: OperatePlan, channel?: Channel): Promise<Operated> {
    const operated = new Operated(plan, channel);
    checkPrograms(plan.hooks);
    if (plan.control?.named) await operated.#openSocket(plan.control.path);
    return operated;
  }

  /** @returns for the run: takes its steering, until disposed of */
  steeredBy({ report, watching }: { report: Report; watching: Watch }): (steering: Steering) => Disposable {
    return (steering) => {
      const { bwlimit, pauses } = this.#plan;
      const bandwidth = new Bandwidth(steering, systemClock, bwlimit);
      this.#pausing = watchPauses(pauses, steering);
      const { state } = watching;
      this.#controlled = {
        view: watching.view,
        users: (list, most) => {
          const now = systemClock.now();
          return list === 'slow' ? state.slow(most, now) : state.users(list, most, now);
        },
        heldUp: (most) => state.heldUp(most, systemClock.now()),
        spellMailbox: state.spellMailbox,
        steering,
        bandwidth,
      };
      // A run that is held has nothing under way that Node would wait for, and would end as if it were done.
      const keepAlive = setInterval(() => {}, FOR_EVER_MS);
      const timer = setTimeout(() => void this.#openUnnamed(report), WORTH_ASKING_MS).unref();
      return {
        [Symbol.dispose]: () => {
          clearTimeout(timer);
          clearInterval(keepAlive);
          this.#controlled = undefined;
          this.#pausing?.[Symbol.dispose]();
          bandwidth[Symbol.dispose]();
        },
      };
    };
  }

  /** Changes what can be changed, and says what cannot. What is wrong in the files leaves all as it is. */
  reread(report: Report, replan: () => Channel & { operate: OperatePlan }): void {
    const before = this.#channel;
    const run = this.#controlled;
    if (!before || !run) return;
    try {
      const after = replan();
      const { steering, bandwidth } = run;
      const changes = settingsChanges(before.settings, after.settings);
      if (changes.now.includes('bwlimit')) bandwidth.set(after.operate.bwlimit);
      if (after.connections !== before.connections) steering.setConnections(after.connections);
      if (changes.now.some((name) => /^(pause_|max_load)/.test(name))) {
        this.#pausing?.[Symbol.dispose]();
        for (const by of PAUSES) steering.resume(by);
        this.#pausing = watchPauses(after.operate.pauses, steering);
      }
      this.#plan = after.operate;
      this.#channel = after;
      report.emit({ kind: 'run:settings-read', ...changes });
    } catch (caught) {
      const { message, hint } = SyncError.from(caught);
      report.emit({
        kind: 'run:warning',
        text: `settings not read again: ${message}`,
        hint: hint ?? 'all is as it was',
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket?.[Symbol.asyncDispose]();
  }

  /** Where nobody has made the directory, nobody asks. */
  async #openUnnamed(report: Report): Promise<void> {
    const { control } = this.#plan;
    if (!control || control.named || !existsSync(dirname(control.path))) return;
    try {
      await this.#openSocket(control.path);
      // Where nobody asks, runs that are killed again and again would leave more and more of them.
      for (const socket of socketsIn(dirname(control.path))) await clearAwayIfGone(socket);
    } catch (caught) {
      const { message, hint = '' } = SyncError.from(caught);
      report.emit({ kind: 'run:warning', text: message, hint });
    }
  }

  async #openSocket(path: string): Promise<void> {
    this.#socket = await openControlSocket(path, () => this.#controlled);
  }
}

function checkPrograms(hooks: HookPrograms): void {
  for (const [hook, program] of Object.entries(hooks)) {
    try {
      accessSync(program, constants.X_OK);
    } catch (caught) {
      const { message } = SyncError.from(caught);
      throw configError(hook, `expected a program that may be run, found ${program}: ${message}`);
    }
  }
}
