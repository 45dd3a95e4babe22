import type { ByteString } from '../../byte-string.ts';

/** A release of Cyrus, as its servers name it in their banners. */
export type CyrusRelease = readonly [major: number, minor: number];

/** @returns undefined if the banner does not say (`serverinfo`) */
export function cyrusRelease(banner: ByteString): CyrusRelease | undefined {
  const [, major, minor] = /\bCyrus (?:sync server|IMAP) v?(\d+)\.(\d+)/.exec(banner) ?? [];
  return major === undefined || minor === undefined ? undefined : [Number(major), Number(minor)];
}

export function isOlder([major, minor]: CyrusRelease, [than, minorThan]: CyrusRelease): boolean {
  return major < than || (major === than && minor < minorThan);
}
