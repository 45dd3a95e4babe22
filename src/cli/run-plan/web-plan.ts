import { MAX_CONFIGURATION_OCTETS } from '../../config/imapd-conf-lines.ts';
import { LISTEN_ADDRESS_FORMS, type ListenAddress, parseListenAddress } from '../../config/listen-address.ts';
import type { Settings } from '../../config/settings.ts';
import { readNamedFile } from '../../native/open-regular.ts';
import { isLoopback } from '../../operate/page/is-loopback.ts';
import { shownValue } from '../../report/shown-value.ts';
import { SyncError } from '../../report/sync-error.ts';

/** Where metrics and the status page are, and who may use them. */
export interface WebPlan extends ListenAddress {
  token: string | undefined;
  /** PEM. */
  tls: { certificate: string; key: string } | undefined;
  /** In force, for whoever looks at the page. */
  settings: Readonly<Record<string, string>>;
}

type Asked = Pick<
  Settings,
  | 'metrics'
  | 'metricsToken'
  | 'metricsCertificate'
  | 'metricsKey'
  | 'tls'
  | 'compression'
  | 'workers'
  | 'master'
> &
  Pick<Settings, 'userLock' | 'locks' | 'fullPassSeconds' | 'lockedRetrySeconds'>;

/** Does what `webPlan` does, for a run of its own or for one that is looked at where others are. */
export type PlanWeb = (option: string | undefined, settings: Asked) => WebPlan | undefined;

/**
 * @param option --metrics, which wins over the settings
 * @param read the files, which may be readable by root alone, and so only before the program becomes Cyrus's user
 * @returns undefined: nobody asked for it
 * @throws SyncError USAGE; IO for a certificate that cannot be read
 */
export function webPlan(
  option: string | undefined,
  settings: Asked,
  read: (file: string) => string = textOf,
): WebPlan | undefined {
  const address = option === undefined ? settings.metrics : addressOf(option);
  if (address === undefined) return undefined;
  const { metricsToken: token, metricsCertificate: certificate, metricsKey: key } = settings;
  if (!isLoopback(address.host) && token === undefined) {
    throw usage(
      `--metrics ${address.host}:${address.port}: expected metrics_token in the settings, as other hosts reach this address`,
      'set one of 16 characters or more, or leave out the host, which is 127.0.0.1 then',
    );
  }
  if ((certificate === undefined) !== (key === undefined)) {
    throw usage('metrics_certificate and metrics_key: expected both or neither', 'set the other one too');
  }
  const tls =
    certificate === undefined || key === undefined
      ? undefined
      : { certificate: read(certificate), key: read(key) };
  return { ...address, token, tls, settings: inForce(settings) };
}

/**
 * A port that is open already: what is asked for is checked as ever, and what was read for it at the start stays.
 *
 * @param open undefined: none is
 */
export function webTakenOver(open: WebPlan | undefined): PlanWeb {
  return (option, settings) => {
    webPlan(option, settings, () => '');
    return open;
  };
}

function addressOf(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address === undefined) {
    throw usage(`option --metrics expects ${LISTEN_ADDRESS_FORMS}, found ${shownValue(text)}`);
  }
  return address;
}

function textOf(file: string): string {
  return readNamedFile(file, MAX_CONFIGURATION_OCTETS).toString('utf8');
}

function inForce(settings: Asked): Record<string, string> {
  const { workers, tls, compression, master, userLock, locks, fullPassSeconds, lockedRetrySeconds } =
    settings;
  return {
    workers: String(workers),
    tls,
    compression,
    master: master === 'private' || master === 'none' ? master : 'a server',
    user_lock: userLock,
    locks,
    locked_retry: `${lockedRetrySeconds}s`,
    full_pass: fullPassSeconds === 0 ? '0' : `${fullPassSeconds}s`,
  };
}

function usage(message: string, hint?: string): SyncError {
  return new SyncError('USAGE', message, { phase: 'start', hint });
}
