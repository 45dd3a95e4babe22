import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ProxyCounts, ProxyOrder, ProxyReport, ProxySettings } from './delay-proxy-process.ts';

/** A running delay proxy. */
export class DelayProxy implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.port = port;
  }

  static async start(settings: ProxySettings): Promise<DelayProxy> {
    const child = fork(join(import.meta.dirname, 'delay-proxy-process.js'), [JSON.stringify(settings)]);
    const message = await answer(child);
    if (message.kind !== 'listening') throw new Error(`the proxy said ${message.kind} before it listened`);
    return new DelayProxy(child, message.port);
  }

  async counts(): Promise<ProxyCounts> {
    const order: ProxyOrder = { kind: 'counts' };
    const message = answer(this.#process);
    this.#process.send(order);
    const said = await message;
    if (said.kind !== 'counts') throw new Error(`the proxy said ${said.kind}, expected its counts`);
    return said.counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exited;
  }
}

async function answer(child: ChildProcess): Promise<ProxyReport> {
  return await new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the proxy ended with exit code ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as ProxyReport);
    });
  });
}
