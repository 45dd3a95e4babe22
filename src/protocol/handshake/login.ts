import { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { linkError } from '../link-errors.ts';
import { chooseMechanism, SPOKEN_MECHANISMS } from '../sasl/choose.ts';
import type { SaslMechanism } from '../sasl/mechanism.ts';
import type { Offer } from './offer.ts';

/** What to do before AUTHENTICATE. */
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
  if (mode === 'required' && !secure) {
    if (canUpgrade) return { kind: 'starttls' };
    throw linkError('TLS_FAILED', `${settings.server} does not offer STARTTLS, and TLS is required`, {
      phase: 'connect',
      retryable: false,
      hint: 'Set tls_server_cert and tls_server_key on the replica',
    });
  }
  if (noauth) return { kind: 'none' };
  const clearTextSafe = secure || local || settings.allowClearText;
  const mechanism = chooseMechanism(offer.mechanisms, settings.mechanisms, clearTextSafe);
  if (mechanism !== undefined) return { kind: 'login', mechanism };
  if (canUpgrade) return { kind: 'starttls' };
  throw noMechanism(offer, settings, clearTextSafe);
}

function noMechanism(offer: Offer, settings: ConnectionSettings, clearTextSafe: boolean): SyncError {
  const offered = offer.mechanisms.join(' ') || 'none';
  const allowed = (settings.mechanisms ?? SPOKEN_MECHANISMS).join(' ');
  const onlyClearText =
    !clearTextSafe && chooseMechanism(offer.mechanisms, settings.mechanisms, true) !== undefined;
  const hint = onlyClearText
    ? 'The password would cross the network in clear: give the replica a TLS certificate, or allow clear text'
    : 'Give both sides a mechanism in common: sasl_mech_list on the replica, the mechanisms to use here';
  return linkError(
    'NO_USABLE_MECHANISM',
    `couldn't authenticate to backend server: no mechanism available: offered ${offered}; spoken here ${allowed}`,
    { phase: 'connect', retryable: false, hint },
  );
}

/** @throws SyncError CONFIG */
export function requireCredentials(settings: ConnectionSettings): { authname: string; password: string } {
  const { authname, password } = settings;
  if (authname !== undefined && password !== undefined) return { authname, password };
  const missing = authname === undefined ? 'sync_authname' : 'sync_password';
  throw new SyncError('CONFIG', `${settings.server} wants a login, and ${missing} is not set`, {
    phase: 'connect',
    hint: `Set ${missing}, or put /noauth after the server name if the replica needs no login`,
  });
}
