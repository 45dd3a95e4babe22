import type { SettingEntry } from './settings-table.ts';

const HEAD = `# Settings of sync_client and cyrus-sync: copy what is to be changed to /etc/cyrus-sync.ini. Each line shows a default.
# With a password in it the file belongs to root:mail, mode 0640. cyrus-sync.ini(5) says more.
`;

/** Every setting with what it is set to anyway. */
export function settingsExample(settings: readonly SettingEntry[]): string {
  const entries = settings.map(({ key, values, default: preset }) => {
    // A default with a word on when it is one thing or the other is no value.
    const value = /^[\w.]+$/.test(preset) ? preset : '';
    return `\n# ${values.replaceAll('`', '')}\n#${key} = ${value}\n`;
  });
  return HEAD + entries.join('');
}
