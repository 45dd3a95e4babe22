/**
 * The door of `protocol/sasl`. Here are the mechanisms to log in by, each an exchange of octets, and the choice among them. No
 * socket, no line, no base64. A password goes out in clear only where the caller says that the link is safe enough for it, and
 * a server that cannot prove that it knows the password is not believed.
 */

import { external } from './external.ts';
import { login } from './login.ts';
import type { SaslMechanism } from './mechanism.ts';
import { plain } from './plain.ts';
import { scram } from './scram.ts';

/** Best first. */
const MECHANISMS: readonly SaslMechanism[] = [
  external,
  scram('SCRAM-SHA-256-PLUS'),
  scram('SCRAM-SHA-1-PLUS'),
  scram('SCRAM-SHA-256'),
  scram('SCRAM-SHA-1'),
  plain,
  login,
];

export const SPOKEN_MECHANISMS: readonly string[] = MECHANISMS.map(({ name }) => name);

/** The link, and what there is to log in with. */
export interface LoginCircumstances {
  /** A password may cross the link in clear. */
  clearTextSafe: boolean;
  /** TLS is active, so that an exchange can be bound to it. */
  canBind: boolean;
  /** TLS was begun with a certificate of ours. */
  hasCertificate: boolean;
  hasPassword: boolean;
}

/**
 * The best mechanism that the server offers, the operator allows and the link is safe enough for. A certificate is used to log
 * in where there is no password, or where the operator asks for EXTERNAL by name: many a site has one that no admin goes by.
 *
 * @param offered upper case
 * @param allowed upper case; undefined = any. A name without `-PLUS` allows the one with it
 */
export function chooseMechanism(
  offered: readonly string[],
  allowed: readonly string[] | undefined,
  { clearTextSafe, canBind, hasCertificate, hasPassword }: LoginCircumstances,
): SaslMechanism | undefined {
  const isAllowed = ({ name, byCertificate }: SaslMechanism): boolean => {
    if (allowed === undefined) return !byCertificate || !hasPassword;
    return allowed.includes(name) || allowed.includes(name.replace(/-PLUS$/, ''));
  };
  return MECHANISMS.find(
    (mechanism) =>
      offered.includes(mechanism.name) &&
      isAllowed(mechanism) &&
      (clearTextSafe || !mechanism.clearText) &&
      (canBind || !mechanism.bindsChannel) &&
      (hasCertificate || !mechanism.byCertificate),
  );
}

/** The server can bind an exchange to its channel. */
export function offersBinding(offered: readonly string[]): boolean {
  return offered.some((name) => /^SCRAM-.*-PLUS$/.test(name));
}
