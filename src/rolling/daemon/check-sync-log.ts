/** The options of imapd.conf about the sync log. */
export interface SyncLogSettings {
  /** sync_log */
  syncLog: boolean;
  /** sync_log_channels, undefined if it is not set. */
  syncLogChannels: string | undefined;
}

export interface LogWarning {
  /** One sentence for the log. */
  text: string;
  /** The option to set. */
  hint: string;
}

/** The two characters that stand for the default channel in sync_log_channels. */
const DEFAULT_CHANNEL = '""';

/**
 * Warns if nobody writes the log that rolling mode is to read. That is no error: Cyrus's servers may be about to be started
 * with other settings than this host shows.
 */
export function checkSyncLog(settings: SyncLogSettings, channel: string | undefined): LogWarning[] {
  const warnings: LogWarning[] = [];
  if (!settings.syncLog) {
    warnings.push({
      text: 'sync_log is off: no server writes a sync log, so that rolling replication has nothing to do',
      hint: 'set "sync_log: yes" in imapd.conf and restart the servers',
    });
  }
  const wanted = channel ?? DEFAULT_CHANNEL;
  const channels =
    settings.syncLogChannels === undefined
      ? [DEFAULT_CHANNEL]
      : settings.syncLogChannels.split(/[ \t]+/).filter((word) => word !== '');
  if (!channels.includes(wanted)) {
    const name = channel === undefined ? 'the default channel' : `channel ${channel}`;
    const found = channels.length > 0 ? channels.join(' ') : 'nothing';
    warnings.push({
      text: `${name} is not in sync_log_channels (found: ${found}): no server writes its log`,
      hint: `set "sync_log_channels: ${[...channels, wanted].join(' ')}" in imapd.conf and restart the servers`,
    });
  }
  return warnings;
}
