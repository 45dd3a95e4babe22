import { existsSync, readFileSync } from 'node:fs';

/** From the package itself, some folders above the compiled file: how many depends on what it was bundled into. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(manifestAbove(new URL('.', import.meta.url)), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

function manifestAbove(folder: URL): URL {
  const manifest = new URL('package.json', folder);
  const above = new URL('..', folder);
  return existsSync(manifest) || above.href === folder.href ? manifest : manifestAbove(above);
}
