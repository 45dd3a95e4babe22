import { type StatsFs, statfsSync } from 'node:fs';
import type { Finding } from './finding.ts';
import type { Host } from './site.ts';

/** Locks and logs need little, but a server that finds its disk full loses mail: less than this is said. */
const LEAST_SHARE = 0.01;
const LEAST_OCTETS = 64 * 2 ** 20;

/** The space that is free where Cyrus writes on this host. */
export function checkSpace({ layout }: Pick<Host, 'layout'>, statfs: StatFs = statfsSync): Finding[] {
  const places = new Set([layout.configdirectory, layout.lockPath, ...layout.partitions.values()]);
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const path of places) {
    const free = freeAt(path, statfs);
    if (free === undefined || seen.has(free.fileSystem)) continue;
    seen.add(free.fileSystem);
    const { octets, share, inodes } = free;
    const text = `${(octets / 1e9).toFixed(1)} GB free (${Math.round(share * 100)} %), ${inodes} at ${path}`;
    const isLow = octets < LEAST_OCTETS || share < LEAST_SHARE || free.fewInodes;
    findings.push({
      check: 'space',
      verdict: isLow ? 'warning' : 'ok',
      text,
      advice: isLow ? 'make room: lock files, and in rolling mode the log, are written there' : undefined,
    });
  }
  return findings;
}

type StatFs = (path: string) => Pick<StatsFs, 'bavail' | 'bsize' | 'blocks' | 'files' | 'ffree' | 'type'>;

interface Free {
  /** The file system that the place is on. */
  fileSystem: string;
  octets: number;
  share: number;
  inodes: string;
  fewInodes: boolean;
}

function freeAt(path: string, statfs: StatFs): Free | undefined {
  try {
    const { bavail, bsize, blocks, files, ffree, type } = statfs(path);
    return {
      fileSystem: `${type} ${blocks} ${bavail} ${files} ${ffree}`,
      octets: bavail * bsize,
      share: blocks === 0 ? 1 : bavail / blocks,
      // Some file systems make inodes as they are needed, and count none.
      inodes: files === 0 ? 'inodes without limit' : `${ffree} inodes`,
      fewInodes: files > 0 && ffree / files < LEAST_SHARE,
    };
  } catch (caught) {
    if (caught instanceof Error && 'syscall' in caught) return undefined;
    throw caught;
  }
}
