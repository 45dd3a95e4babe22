import { cyrusRelease, isOlder } from '../protocol/handshake/cyrus-release.ts';
import type { ReplicaSession, SessionInfo } from '../protocol/replica-session.ts';
import { printableBytes } from '../report/printable.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Finding } from './finding.ts';
import type { Site } from './site.ts';

/** The first release whose protocol this is. */
const OLDEST = [2, 5] as const;
/** Before it scripts are no mailbox. */
const WITH_SCRIPT_MAILBOX = [3, 6] as const;
/** Releases of the table in docs/compatibility.md, against which tests run. */
const PROVEN = new Set(['3.2', '3.6', '3.10', '3.12']);

/**
 * Connects, logs in and asks something that only an administrator may ask.
 *
 * @returns the session, for what else is to be asked; undefined if there is none
 */
export async function checkReplica({
  connect,
  survey,
}: Pick<Site, 'connect' | 'survey'>): Promise<{ findings: Finding[]; session: ReplicaSession | undefined }> {
  let session: ReplicaSession;
  try {
    session = await connect();
  } catch (caught) {
    return { findings: [problemOf(SyncError.from(caught))], session: undefined };
  }
  const { server, flavour, mechanism, tls, exposure, banner } = session.info;
  const login = mechanism === undefined ? 'no login needed' : `logged in with ${mechanism}`;
  const findings: Finding[] = [
    {
      check: 'replica',
      verdict: exposure === undefined ? 'ok' : 'warning',
      text: `${server} answers as ${flavour}, ${login}${tls ? ', over TLS' : ''}`,
      advice:
        exposure === undefined
          ? undefined
          : exposure === 'clear'
            ? 'nothing is encrypted on the way: use TLS'
            : 'its certificate is not verified: name it in tls_fingerprint, or set tls_verify = yes and tls_server_ca_file',
    },
    versionFinding(banner),
    capabilitiesFinding(session.info),
  ];
  try {
    const userid = survey.sample.find((entry) => entry.userid !== undefined)?.userid;
    await session.getUser(userid ?? 'nobody', () => {});
    findings.push({ check: 'administrator', verdict: 'ok', text: 'the account may replicate there' });
  } catch (caught) {
    findings.push({ ...problemOf(SyncError.from(caught)), check: 'administrator' });
    await session.exit();
    return { findings, session: undefined };
  }
  return { findings, session };
}

/** Parts of it that are used where they are there, and done without where not. */
function capabilitiesFinding({ sieveMailbox, checksSince, longestName }: SessionInfo): Finding {
  const parts = [
    sieveMailbox ? 'scripts as a mailbox' : 'scripts as files',
    checksSince
      ? 'refuses a change that builds on another state'
      : 'may not refuse a change that builds on another state',
    `mailbox names of up to ${longestName} octets`,
  ];
  return { check: 'capabilities', verdict: 'ok', text: parts.join(', ') };
}

/** Troubles known of a release are mended or said elsewhere; this tells whether anybody has tried it. */
export function versionFinding(banner: string): Finding {
  const check = 'version';
  const release = cyrusRelease(banner);
  const shown = printableBytes(banner.trim());
  if (release === undefined) {
    const text = `the replica does not say which Cyrus it is: ${shown}`;
    return {
      check,
      verdict: 'warning',
      text,
      advice: 'serverinfo = on shows it; verify after the first users',
    };
  }
  const text = `the replica is Cyrus ${release.join('.')}`;
  if (isOlder(release, OLDEST)) {
    return {
      check,
      verdict: 'problem',
      text,
      advice: 'its protocol is another one: upgrade it to 2.5 or newer',
    };
  }
  if (PROVEN.has(release.join('.'))) return { check, verdict: 'ok', text };
  const advice = isOlder(release, WITH_SCRIPT_MAILBOX)
    ? 'written from its sources, not tried: scripts go as files; verify after the first users'
    : 'written from its sources, not tried: verify after the first users';
  return { check, verdict: 'warning', text, advice };
}

function problemOf({ code, message, hint }: SyncError): Finding {
  return { check: 'replica', verdict: 'problem', text: `${code}: ${printableBytes(message)}`, advice: hint };
}
