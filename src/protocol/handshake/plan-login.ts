import { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { linkError } from '../link-errors.ts';
import { chooseMechanism, type LoginCircumstances, SPOKEN_MECHANISMS } from '../sasl/choose-mechanism.ts';
import type { SaslMechanism } from '../sasl/mechanism.ts';
import type { Offer } from './offer.ts';

/** The steps before AUTHENTICATE. */
export type LoginStep = { kind: 'login'; mechanism: SaslMechanism } | { kind: 'starttls' } | { kind: 'none' };

/**
 * Log in now, or get TLS first. Pure: decides from what the server offers and what the operator allows.
 *
 * @param noauth the server string says so @param secure TLS is active @param local the peer is on this host
 * @throws SyncError NO_USABLE_MECHANISM, TLS_FAILED (wanted but not offered)
 */
export function planLogin(
  offer: Offer,
  settings: ConnectionSettings,
  noauth: boolean,
  secure: boolean,
  local: boolean,
): LoginStep {
  const { mode } = settings.tls;
  const canUpgrade = offer.starttls && !secure && mode !== 'off';
  const wanted = mode === 'required' || (mode === 'auto' && !local);
  if (wanted && !secure) {
    if (canUpgrade) return { kind: 'starttls' };
    if (mode === 'required' || !settings.allowClearText) throw notOffered(settings);
  }
  if (noauth) return { kind: 'none' };
  const circumstances = loginCircumstances(settings, secure, local);
  const mechanism = chooseMechanism(offer.mechanisms, settings.mechanisms, circumstances);
  if (mechanism !== undefined) return { kind: 'login', mechanism };
  if (canUpgrade) return { kind: 'starttls' };
  throw noMechanism(offer, settings, circumstances, secure);
}

/** Somebody on the way can take STARTTLS out of the banner, so that going on without it is the operator's decision. */
function notOffered({ server, tls }: ConnectionSettings): SyncError {
  const why =
    tls.mode === 'required' ? 'TLS is required' : 'without TLS all mail could be read and changed on the way';
  const instead =
    tls.mode === 'required' ? '' : '; tls = off in the settings does without, on a network that is safe';
  return linkError('TLS_FAILED', `${server} does not offer STARTTLS, and ${why}`, {
    phase: 'connect',
    retryable: false,
    hint: `Set tls_server_cert and tls_server_key on the replica, from Cyrus 3.10 on allowstarttls: yes as well, and find out who is in between if they are set${instead}`,
  });
}

/**
 * Inside TLS with a peer that nobody vouches for, a password goes out in clear only to whom the operator has named PLAIN or LOGIN
 * for: whoever is in between would get it.
 */
function loginCircumstances(
  { tls, allowClearText, mechanisms, password }: ConnectionSettings,
  secure: boolean,
  local: boolean,
): LoginCircumstances {
  const vouchedFor = tls.verify || tls.fingerprints.length > 0 || mechanisms !== undefined;
  return {
    clearTextSafe: (secure && vouchedFor) || local || allowClearText,
    canBind: secure,
    hasCertificate: secure && tls.certFile !== undefined,
    hasPassword: password !== undefined,
  };
}

function noMechanism(
  offer: Offer,
  settings: ConnectionSettings,
  circumstances: LoginCircumstances,
  secure: boolean,
): SyncError {
  const offered = offer.mechanisms.join(' ') || 'none';
  const allowed = (settings.mechanisms ?? SPOKEN_MECHANISMS).join(' ');
  const inClear = { ...circumstances, clearTextSafe: true };
  const onlyClearText =
    !circumstances.clearTextSafe &&
    chooseMechanism(offer.mechanisms, settings.mechanisms, inClear) !== undefined;
  const hint = onlyClearText
    ? secure
      ? 'The password would go to whoever is there: name the certificate of the replica in tls_fingerprint, have it verified (tls_verify, tls_server_ca_file), give the replica SCRAM, or name PLAIN in force_sasl_client_mech'
      : 'The password would cross the network in clear: give the replica a TLS certificate, or allow clear text'
    : 'Give both sides a mechanism in common: sasl_mech_list on the replica, the mechanisms to use here';
  return linkError(
    'NO_USABLE_MECHANISM',
    `couldn't authenticate to backend server: no mechanism available: offered ${offered}; spoken here ${allowed}`,
    { phase: 'connect', retryable: false, hint },
  );
}

/** @throws SyncError CONFIG */
export function requireCredentials(
  settings: ConnectionSettings,
  { byCertificate }: SaslMechanism,
): { authname: string; password: string } {
  const { authname, password } = settings;
  if (byCertificate) return { authname: authname ?? '', password: '' };
  if (authname !== undefined && password !== undefined) return { authname, password };
  const missing = authname === undefined ? 'sync_authname' : 'sync_password';
  throw new SyncError('CONFIG', `${settings.server} wants a login, and ${missing} is not set`, {
    phase: 'connect',
    hint: `Set ${missing}, or put /noauth after the server name if the replica needs no login`,
  });
}
