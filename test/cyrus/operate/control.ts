import { askControlSocket } from '../../../src/operate/control/ask-control-socket.ts';
import type { RunView } from '../../../src/operate/state/run-view.ts';
import { until } from '../../lab/until.ts';

/** A run on a busy machine may need longer than people wait. */
const ANSWER_MS = 120_000;

/** Whoever asks a run over its control socket. */
export class Control {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  ask(line: string): Promise<string> {
    return askControlSocket(this.path, line, ANSWER_MS);
  }

  /** Asks until it says so. */
  async answers(line: string, expected: RegExp): Promise<void> {
    let last = '';
    await until(
      `${line}: ${expected}`,
      async () => {
        last = await this.ask(line);
        return expected.test(last);
      },
      () => last,
    );
  }

  async view(): Promise<RunView> {
    return JSON.parse(await this.ask('json status')).answer;
  }

  /** Until the run says so. */
  async until(what: string, holds: (view: RunView) => boolean): Promise<void> {
    let last = '';
    await until(
      what,
      async () => {
        try {
          const view = await this.view();
          last = JSON.stringify(view);
          return holds(view);
        } catch (caught) {
          // It is just beginning, or has no socket yet.
          last = String(caught);
          return false;
        }
      },
      () => last,
    );
  }
}
