import { spawnSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, release, totalmem } from 'node:os';

/** The circumstances that the figures depend on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  cyrus: string;
  /** File system that stores of master and replica are on. */
  fileSystem: string;
  cyrusSync: string;
}

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs (flushes cost nothing)'],
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlayfs'],
]);

export function describeMachine(directory: string): Machine {
  const model = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  const { type } = statfsSync(directory);
  return {
    cpu: model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release().split('-')[0] ?? '',
    node: process.version,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a word of dpkg-query's own.
    cyrus: firstLine('dpkg-query', ['-W', '-f', '${Version}', 'cyrus-imapd']),
    fileSystem: FILE_SYSTEMS.get(type) ?? `type 0x${type.toString(16)}`,
    cyrusSync: firstLine('git', ['-C', import.meta.dirname, 'describe', '--always', '--dirty']),
  };
}

function firstLine(program: string, args: readonly string[]): string {
  const run = spawnSync(program, [...args], { encoding: 'utf8' });
  return (run.stdout ?? '').split('\n')[0]?.trim() || 'unknown';
}
