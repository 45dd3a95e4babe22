import { existsSync, readFileSync } from 'node:fs';

/** From the package itself, some folders above the compiled file: how many depends on what it was bundled into. */
export function programVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', programFolder()), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

/** Where the program is installed: the folder that has its `package.json`. */
export function programFolder(): URL {
  return folderWithManifest(new URL('.', import.meta.url));
}

function folderWithManifest(folder: URL): URL {
  const above = new URL('..', folder);
  const isThere = existsSync(new URL('package.json', folder));
  return isThere || above.href === folder.href ? folder : folderWithManifest(above);
}
