import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadOrder, LoadReport, LoadSettings, SettleReport, StreamReport } from './load-messages.ts';

/** Users at their mail, and a watch on the replica: see `load-process.ts`. */
export class Load implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(settings: LoadSettings): Promise<Load> {
    const load = new Load(fork(join(import.meta.dirname, 'load-process.js'), [JSON.stringify(settings)]));
    await load.#answer('ready');
    return load;
  }

  async change(mailboxes: number): Promise<void> {
    await this.#order({ kind: 'change', mailboxes }, 'done');
  }

  async release(): Promise<void> {
    await this.#order({ kind: 'release' }, 'done');
  }

  async stream(perSecond: number, seconds: number): Promise<StreamReport> {
    return (await this.#order({ kind: 'stream', perSecond, seconds }, 'streamed')) as StreamReport;
  }

  async settle(deadline: number): Promise<SettleReport> {
    return (await this.#order({ kind: 'settle', deadline }, 'settled')) as SettleReport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.disconnect();
    await exited;
  }

  async #order(order: LoadOrder, expected: LoadReport['kind']): Promise<LoadReport> {
    const report = this.#answer(expected);
    this.#process.send(order);
    return await report;
  }

  async #answer(expected: LoadReport['kind']): Promise<LoadReport> {
    return await new Promise((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`the load ended with exit code ${code}`));
      this.#process.once('exit', onExit);
      this.#process.once('message', (report: LoadReport) => {
        this.#process.off('exit', onExit);
        if (report.kind === expected) resolve(report);
        else reject(new Error(`the load said ${report.kind}, expected ${expected}`));
      });
    });
  }
}
