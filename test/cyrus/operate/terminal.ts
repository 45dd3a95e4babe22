import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CyrusServer } from '../../lab/cyrus-server.ts';
import { runAs } from '../../lab/processes.ts';
import { syncClientCommand } from '../../lab/sync-client.ts';
import { until } from '../../lab/until.ts';

const PROMPT = 'ready>';

/** A real terminal with a shell in it, whose screen can be read. */
export class Terminal implements AsyncDisposable {
  readonly #server: CyrusServer;
  readonly #socket: string;

  /** @param environment of the shell */
  static async open(
    server: CyrusServer,
    columns: number,
    rows: number,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Terminal> {
    const terminal = new Terminal(server);
    const shell = `env PS1='${PROMPT} ' HISTFILE= bash --norc --noprofile -i`;
    await terminal.#tmux(
      ['new-session', '-d', '-x', String(columns), '-y', String(rows), shell],
      environment,
    );
    await terminal.until('a shell', (lines) => lines[0] === PROMPT);
    return terminal;
  }

  private constructor(server: CyrusServer) {
    this.#server = server;
    this.#socket = join(server.directory, `tmux-${process.hrtime.bigint()}`);
  }

  /** Types a command line of ours, and what the shell is to do around it. */
  async run(args: readonly string[], before = '', after = ''): Promise<void> {
    const command = [...syncClientCommand(), '-C', this.#server.configFile, ...args].join(' ');
    await this.type(`clear; ${before} ${command} ${after}; echo "code=$?"`, 'Enter');
  }

  async type(...keys: string[]): Promise<void> {
    await this.#tmux(['send-keys', ...keys]);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** Lines of the screen, without what is empty at its end. */
  async lines(): Promise<string[]> {
    const { stdout } = await this.#tmux(['capture-pane', '-p']);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd());
  }

  async until(what: string, holds: (lines: readonly string[]) => boolean): Promise<string[]> {
    let lines: string[] = [];
    await until(
      what,
      async () => {
        lines = await this.lines();
        return holds(lines);
      },
      () => lines.join('\n'),
    );
    return lines;
  }

  /** Resolves when the command has ended and the shell says so, with its prompt below. */
  async ended(): Promise<{ code: number; lines: string[] }> {
    const lines = await this.until(
      'the end of the command',
      (all) => all.at(-1) === PROMPT && all.some(isCode),
    );
    return { code: Number(/\d+$/.exec(lines.find(isCode) ?? '')?.[0]), lines };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux(['kill-server']);
  }

  async #tmux(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return await runAs(['tmux', '-S', this.#socket, '-f', '/dev/null', ...args], {
      cwd: this.#server.directory,
      env: { ...env, LANG: 'C.UTF-8' },
    });
  }
}

function isCode(line: string): boolean {
  // The terminal itself shows where it was interrupted.
  return /^(\^C)?code=\d+$/.test(line);
}

/** Gives what is in a file, if it is there. */
export function said(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
