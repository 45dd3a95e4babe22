import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { askControlSocket } from '../src/operate/control/ask-control-socket.ts';
import { freePorts } from '../test/lab/free-ports.ts';

/** The status page asks as often. */
const PAGE_MS = 2_000;
/** Prometheus asks every 15 or 60 seconds as a rule; a run of a bench is shorter than that. */
const OTHERS_MS = 1_000;

/** Asks a run all that it can be asked, as an open page, Prometheus and `status --watch` do, until disposed of. */
export class Watcher implements Disposable {
  readonly port: number;
  readonly control: string;
  readonly #timers: NodeJS.Timeout[];
  /** Answers that came. */
  answers = 0;

  private constructor(port: number, control: string) {
    this.port = port;
    this.control = control;
    const ask = (path: string) => () => this.#get(path);
    this.#timers = [
      setInterval(ask('/status.json'), PAGE_MS),
      setInterval(ask('/metrics'), OTHERS_MS),
      setInterval(() => this.#askStatus(), OTHERS_MS),
    ];
  }

  /** @param directory for the control socket */
  static async start(directory: string): Promise<Watcher> {
    const [port = 0] = await freePorts(1);
    return new Watcher(port, join(directory, 'watched.sock'));
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #get(path: string): void {
    const request = get({ host: '127.0.0.1', port: this.port, path, agent: false }, (response) => {
      this.answers += 1;
      response.resume();
    });
    // It is not there yet, or not any more.
    request.on('error', () => {});
  }

  #askStatus(): void {
    if (!existsSync(this.control)) return;
    askControlSocket(this.control, 'status').then(
      () => {
        this.answers += 1;
      },
      () => {},
    );
  }
}
