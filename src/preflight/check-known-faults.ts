import { type CyrusRelease, cyrusRelease } from '../protocol/handshake/cyrus-release.ts';
import { printableBytes } from '../report/printable.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Finding } from './finding.ts';
import { faultsOf } from './known-faults.ts';
import type { Site } from './site.ts';

/** The release of the master, and what the pair is known to get wrong. */
export async function checkKnownFaults(
  { masterBanner }: Pick<Site, 'masterBanner'>,
  replicaBanner: string,
): Promise<Finding[]> {
  const { findings, release } = await askMaster(masterBanner);
  const faults = faultsOf({ master: release, replica: cyrusRelease(replicaBanner) });
  findings.push(
    ...faults.map(
      ({ side, text, advice }): Finding => ({
        check: 'known faults',
        verdict: 'warning',
        text: `of this ${side}: ${text}`,
        advice,
      }),
    ),
  );
  return findings;
}

async function askMaster(
  ask: Site['masterBanner'],
): Promise<{ findings: Finding[]; release: CyrusRelease | undefined }> {
  const check = 'master version';
  if (ask === undefined) {
    const text = 'not asked for: the master is not written to (master = none)';
    return { findings: [{ check, verdict: 'ok', text }], release: undefined };
  }
  try {
    const banner = await ask();
    const release = cyrusRelease(banner);
    if (release) {
      const text = `the master is Cyrus ${release.join('.')}`;
      return { findings: [{ check, verdict: 'ok', text }], release };
    }
    const text = `the master does not say which Cyrus it is: ${printableBytes(banner.trim())}`;
    return {
      findings: [{ check, verdict: 'warning', text, advice: 'serverinfo = on shows it' }],
      release,
    };
  } catch (caught) {
    // A merge would need that server.
    const { code, message, hint } = SyncError.from(caught);
    const text = `${code}: ${printableBytes(message)}`;
    return { findings: [{ check, verdict: 'warning', text, advice: hint }], release: undefined };
  }
}
