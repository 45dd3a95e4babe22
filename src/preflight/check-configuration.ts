import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/** Both kinds have been read, or there would be no site. */
export function checkConfiguration({ remarks, server }: Site): Finding[] {
  if (remarks.length === 0) {
    return [
      {
        check: 'configuration',
        verdict: 'ok',
        text: `imapd.conf and settings are in order; replica ${server}`,
      },
    ];
  }
  return remarks.map(({ text, hint }) => ({
    check: 'configuration',
    verdict: 'warning',
    text,
    advice: hint,
  }));
}
