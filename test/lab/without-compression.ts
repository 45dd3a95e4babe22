const OFFER = '* COMPRESS DEFLATE\r\n';
/** No banner is as long as this. */
const BANNER_OCTETS = 4096;

/** Takes the offer of compression out of the banner, so that any client goes without. For what comes from the server. */
export function withoutCompression(): (chunk: Buffer, onward: { pass(octets: Buffer): void }) => void {
  let banner: string | undefined = '';
  return (chunk, { pass }) => {
    if (banner === undefined) {
      pass(chunk);
      return;
    }
    banner += chunk.toString('latin1');
    if (!/^\* OK .*\r\n/m.test(banner) && banner.length < BANNER_OCTETS) return;
    pass(Buffer.from(banner.replace(OFFER, ''), 'latin1'));
    banner = undefined;
  };
}
