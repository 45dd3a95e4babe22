import { existsSync } from 'node:fs';
import { DEFAULT_CONFIG_FILE, readImapdConfig } from '../../config/imapd-config.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { identityPlan } from './become-cyrus-user.ts';
import type { IdentityPlan } from './run-plan.ts';

/**
 * Whom root becomes where no run is planned: whom Cyrus runs as on this host. One that only moves mail may have no Cyrus.
 * Whoever is not root becomes nobody, and may not be able to read the file.
 *
 * @throws SyncError CONFIG
 */
export function identityOfHost(
  { configFile }: Pick<Arguments, 'configFile'>,
  environment: NodeJS.ProcessEnv,
  isRoot = process.geteuid?.() === 0,
): IdentityPlan {
  if (!isRoot || (configFile === undefined && !existsSync(DEFAULT_CONFIG_FILE))) {
    return identityPlan(environment, undefined, undefined);
  }
  const config = readImapdConfig(configFile, environment, undefined, false);
  return identityPlan(environment, config.text('cyrus_user'), config.text('cyrus_group'));
}
