import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/coordinator/clock.ts';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { runActions } from '../../../src/replicate/jobs/run-actions.ts';
import { RollingDaemon } from '../../../src/rolling/daemon/rolling-daemon.ts';
import type { RollingEnd } from '../../../src/rolling/daemon/rolling-options.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';
import type { RollingUnit, UnitOutcome } from '../../../src/rolling/queue/rolling-unit.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** Milliseconds that any pause really takes. */
const PAUSE = 1;

/** Time goes by as soon as it is waited for: pauses between attempts are not what is tested here. */
class HurriedClock implements Clock {
  #now = 0;
  now = (): number => this.#now;
  date = (): number => this.#now;

  after = (delay: number, call: () => void): (() => void) => {
    const timer = setTimeout(() => {
      this.#now += delay;
      call();
    }, PAUSE);
    return () => clearTimeout(timer);
  };
}

/** A sync log, the daemon and the engine, between a master in memory and the sandbox: `-1`, again and again. */
export class SceneRolling implements AsyncDisposable {
  readonly scene: EngineScene;
  readonly #directory = mkdtempSync(join(tmpdir(), 'scene-'));
  readonly #file = join(this.#directory, 'log');
  #context: EngineContext | undefined;

  static async start(): Promise<SceneRolling> {
    return new SceneRolling(await EngineScene.start());
  }

  private constructor(scene: EngineScene) {
    this.scene = scene;
  }

  /** The lines that the master's servers log behind a change. */
  async log(...lines: LogLine[]): Promise<void> {
    await appendToLog(this.#file, lines);
  }

  /** Lines of `log-run` and `log`. */
  left(): string[] {
    return [`${this.#file}-run`, this.#file].flatMap((file) =>
      existsSync(file) ? readFileSync(file, 'latin1').split('\n').filter(Boolean) : [],
    );
  }

  async pass(): Promise<RollingEnd> {
    const { scene } = this;
    const daemon = new RollingDaemon(
      {
        channel: undefined,
        server: 'replica',
        once: true,
        parallel: 3,
        repeatIntervalMs: 0,
        sessionTimeoutMs: 0,
        connectOnce: false,
        reconnectMaxWaitSeconds: 1,
        exitWhenReplicaGone: false,
        relogLocked: false,
        reportIntervalMs: 0,
      },
      {
        log: new ChannelLog(this.#file, () => undefined),
        ownerOf: (name) => scene.master.ownerOf(name),
        inboxOf: () => undefined,
        run: (unit, apart) => this.#run(unit, apart),
        connect: async () => void (await this.#connected()),
        restart: async () => undefined,
        isPaused: () => false,
        isSkipped: () => false,
        shutdownRequested: () => false,
        clock: new HurriedClock(),
        random: () => 0.5,
        emit: (event) => void scene.events.push(event),
      },
    );
    return await daemon.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scene[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #run({ users, actions }: RollingUnit, apart: boolean): Promise<UnitOutcome> {
    const context = apart ? await this.scene.context() : await this.#connected();
    return { results: await runActions(context, users, actions) };
  }

  async #connected(): Promise<EngineContext> {
    if (this.#context === undefined || this.#context.session.broken)
      this.#context = await this.scene.context();
    return this.#context;
  }
}
