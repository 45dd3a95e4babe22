import type { ServerOptions } from './cyrus-server.ts';

/** How stores of sites differ beside their version. */
export interface MatrixLayout {
  name: string;
  both?: ServerOptions;
  master?: ServerOptions;
  replica?: ServerOptions;
  /** The master's store was made by the oldest version of the matrix, and some of it has been upgraded. */
  upgraded?: boolean;
}

const BY_NAME = { mailbox_legacy_dirs: 'yes', hashimapspool: 'yes' };
const DOMAINS = { virtdomains: 'userid', defaultdomain: 'example.net' };
const META_FILES = 'header index cache expunge annotations';

/** Options that a version does not have it passes over. */
export const LAYOUTS: readonly MatrixLayout[] = [
  { name: 'plain', master: { imapd: { hashimapspool: 'yes' } } },
  { name: 'separator .', both: { imapd: { unixhierarchysep: 'no' } } },
  { name: 'domains', both: { imapd: DOMAINS } },
  { name: 'meta and archive partitions', both: { metapartitionFiles: META_FILES, archive: true } },
  { name: 'by name, fully hashed', both: { imapd: { ...BY_NAME, fulldirhash: 'yes' } } },
  { name: 'upgraded in place', upgraded: true },
  {
    name: 'separator ., domains, expunged at once',
    both: { imapd: { ...DOMAINS, unixhierarchysep: 'no', expunge_mode: 'immediate' } },
  },
  {
    name: 'master by name with meta and archive, replica plain',
    master: { imapd: BY_NAME, metapartitionFiles: META_FILES, archive: true },
  },
];

/**
 * Spreads them over the cells of four versions: as master and as replica each version meets every layout once, and each
 * layout comes over both services.
 */
export function layoutOfCell(master: number, replica: number, service: number): MatrixLayout {
  const layout = LAYOUTS[((master + service) % 2) * 4 + ((master + replica) % 4)];
  if (layout === undefined) throw new Error(`no layout for cell ${master} ${replica} ${service}`);
  return layout;
}
