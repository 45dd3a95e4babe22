import { readImapdConfig } from '../../../src/config/imapd-config.ts';
import { parseListenAddress } from '../../../src/config/listen-address.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import {
  parseByteSize,
  parseDuration,
  parseInteger,
  parseSwitch,
  wordsOf,
} from '../../../src/config/values.ts';
import { fuzz } from '../../lab/fuzz.ts';

const CONFIG = [
  'configdirectory: /var/lib/cyrus',
  'defaultpartition: default',
  'partition-default: /var/spool/cyrus/mail',
  '# a comment',
  'sync_host: replica',
  'sync_port: 2005',
  'admins: cyrus root',
  'unixhierarchysep: yes',
  'sync_timeout: 30m',
  'virtdomains: off',
  '',
].join('\n');

fuzz('imapd.conf', {
  seeds: [CONFIG, `@include: /other\n${CONFIG}`, 'a: \\\n  b\n'],
  words: ['configdirectory', 'partition-x', '@include: /etc/imapd.conf\n', 'duration: 1d2h', ':', '\\\n'],
  read: (octets) => {
    const config = readImapdConfig('/etc/imapd.conf', {}, (path) => {
      if (path === '/etc/imapd.conf') return octets.toString('latin1');
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' });
    });
    config.text('sync_host');
  },
});

fuzz('the settings file', {
  seeds: ['workers = 4\nbwlimit = 10M\n\n[channel a.b]\ntls = required\nmaster = none\n', '; nothing\n'],
  words: ['[channel x]', '[', ']', '=', 'workers', '__proto__ = 1', '[__proto__]', 'key[] = 1', '"', "'"],
  read: (octets) => parseSettings(octets.toString('latin1'), '/etc/cyrus-sync.ini', 'a.b'),
});

fuzz('values of options', {
  seeds: [
    'yes',
    '30m',
    '1d2h3m4s',
    '10K',
    '-1',
    '0x10',
    'a b c',
    '127.0.0.1:80',
    '[::1]:9090',
    'unix:/run/x',
  ],
  read: (octets) => {
    const text = octets.toString('latin1');
    for (const parse of [
      parseSwitch,
      parseInteger,
      parseDuration,
      parseByteSize,
      wordsOf,
      parseListenAddress,
    ])
      parse(text);
  },
});
