import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { CyrusScratch, kill, MARKER, type Operation } from '../../../lab/cyrus-scratch.ts';
import { applied, sorted } from '../../../lab/operations.ts';

/**
 * Makes test/fixtures/cyrusdb with the Cyrus of this machine; run by hand, from the root of the project:
 * node dist/test/cyrus/store/cyrusdb/make-fixtures.js
 */
const TARGET = 'test/fixtures/cyrusdb';

/** Every octet that a format must escape or may mistake, and a row that outgrows a disk block. */
const awkward: Operation[] = [
  { set: 'tab\there', value: 'line\r\nfeed\tand\0nul' },
  { set: '\xff\xfe\x80', value: '\xff' },
  { set: 'empty value', value: '' },
  { set: 'long', value: 'x'.repeat(1500) },
];
const users: Operation[] = Array.from({ length: 16 }, (_, i) => ({
  set: `user.u${i}`,
  value: `%(A %(u${i} lrswipkxtecdan) I ${String(i).padStart(24, 'k')} P default V 1700000000)`,
}));
const first: Operation[] = [{ set: MARKER, value: 'x' }, ...awkward, ...users];
const second: Operation[] = [
  { delete: 'user.u3' },
  { set: 'user.u4', value: 'replaced' },
  { set: 'user.u16', value: 'added' },
  { delete: 'empty value' },
  { set: 'empty value', value: '' },
];
const lost: Operation[] = [
  { set: 'user.u5', value: 'never committed' },
  { delete: 'user.u6' },
  { delete: 'user.u16' },
  { set: 'user.u17', value: 'never committed' },
  { set: 'user.u3', value: 'never committed' },
  { set: 'aaa', value: 'never committed' },
];

mkdirSync(TARGET, { recursive: true });
const scratch = new CyrusScratch();
try {
  for (const format of ['twoskip', 'skiplist', 'flat']) {
    const path = scratch.path(format);
    for (const operations of [first, second]) scratch.transaction(path, format, operations);
    copyFileSync(path, `${TARGET}/${format}-clean`);
    if (format === 'flat') continue;
    await kill(await scratch.openTransaction(path, format, lost));
    copyFileSync(path, `${TARGET}/${format}-killed`);
  }
} finally {
  scratch.remove();
}
const rows = sorted(applied(applied(new Map(), first), second));
writeFileSync(`${TARGET}/rows.json`, `${JSON.stringify(rows, null, 1)}\n`);
