import type { ImapdConfig } from '../../config/imapd-config.ts';
import type { Settings } from '../../config/settings.ts';

/** Something about the configuration that is no error, but hardly meant. */
export interface PlanWarning {
  /** One sentence for the log. */
  text: string;
  /** Advice on what to do about it. */
  hint: string;
}

/** An option of imapd.conf for one channel. */
const CHANNEL_OPTION = /^(.+)_sync_[a-z_]+$/;

/**
 * A channel that nothing is configured for: no option of imapd.conf, no section of the settings, not one that servers log
 * to. The C client then takes the plain options without a word, which is another replica than the one that was meant.
 */
export function channelWarnings(
  channel: string | undefined,
  config: ImapdConfig,
  settings: Settings,
): PlanWarning[] {
  if (channel === undefined || settings.hasChannelSection) return [];
  const known = knownChannels(config);
  if (known.has(channel)) return [];
  const lower = channel.toLowerCase();
  const others = [...known].sort().join(', ');
  return [
    {
      text: `nothing is configured for channel ${channel}, so that the plain sync_ options are used`,
      hint: known.has(lower)
        ? `did you mean -n ${lower}? Names of options are lower-case`
        : `channels that are configured: ${others === '' ? 'none' : others}`,
    },
  ];
}

function knownChannels(config: ImapdConfig): Set<string> {
  const known = new Set<string>();
  for (const key of config.overflowsWithPrefix('').keys()) {
    const channel = CHANNEL_OPTION.exec(key)?.[1];
    if (channel !== undefined) known.add(channel);
  }
  for (const logged of (config.text('sync_log_channels') ?? '').split(/[ \t]+/)) {
    if (logged !== '' && logged !== '""') known.add(logged);
  }
  return known;
}
