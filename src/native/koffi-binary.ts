import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where one of these is, Node may be a program of musl, another libc than that of the binary that would be tried first. */
const MUSL_LOADERS: Partial<Record<NodeJS.Architecture, string>> = {
  arm64: '/lib/ld-musl-aarch64.so.1',
  x64: '/lib/ld-musl-x86_64.so.1',
};

/**
 * koffi's native part for this host, where packages usually are. It is all of koffi that is used, and the rest takes four times
 * as long to load: what finds the binary twice as long as the binary, of which Node's own search is the half.
 *
 * @param folder of the program
 * @returns its path; undefined where it cannot be told, or packages are elsewhere
 */
export function koffiBinary(folder: string): string | undefined {
  const loader = MUSL_LOADERS[process.arch];
  if (loader === undefined || existsSync(loader)) return undefined;
  const name = `koffi-linux-${process.arch}`;
  const binary = join('node_modules', '@koromix', name, `linux_${process.arch}`, 'koffi.node');
  for (let place = folder; ; place = dirname(place)) {
    const path = join(place, binary);
    if (existsSync(path)) return path;
    if (place === dirname(place)) return undefined;
  }
}
