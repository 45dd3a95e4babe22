import { Command } from 'commander';
import { usageError } from '../arguments.ts';
import { addOptions, OPTIONS } from '../option-table.ts';
import type { Verb } from './verb.ts';

/** Compares, and changes nothing on either side. */
export const verify: Verb = {
  command(name, version) {
    const command = new Command(name)
      .usage('{-A | -u | -m} [options] [NAME...]')
      .description('Compares what this server and its replica have, and says what differs.')
      .argument('[names...]', 'users (-u), mailboxes (-m), or one mailbox name prefix (-A)')
      .helpOption('--help', 'show this and exit')
      .version(version, '--version', 'show the version and exit');
    addOptions(command, 'What to compare (one of):', OPTIONS.users, OPTIONS.mailboxes, OPTIONS.all);
    addOptions(
      command,
      'Where:',
      OPTIONS.config,
      OPTIONS.server,
      ['-n, --channel <channel>', 'use the options CHANNEL_sync_... where they are set'],
      OPTIONS.inputFile,
      OPTIONS.settings,
    );
    addOptions(command, 'How:', OPTIONS.workers, OPTIONS.connectOnce, OPTIONS.requireCompression);
    return command;
  },
  prepare() {
    return () => Promise.reject(usageError('verify is being built'));
  },
};
