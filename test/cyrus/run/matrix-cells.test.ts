import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INSTALLED_PROGRAMS, PROGRAMS } from '../../lab/cyrus-programs.ts';
import { PHASES, runMatrixCell } from '../../lab/matrix-cell.ts';

/** All that is right of a cell. */
const RIGHT = Object.fromEntries(PHASES.map((phase) => [phase, []]));

const cells = {
  'to a replica of this version, over csync': {
    master: INSTALLED_PROGRAMS,
    replica: PROGRAMS,
    service: 'csync',
  },
  'from a master of this version, over imapd': {
    master: PROGRAMS,
    replica: INSTALLED_PROGRAMS,
    service: 'imapd',
  },
} as const;

for (const [name, cell] of Object.entries(cells)) {
  test(`first copy, changes, renames, rolling mode and split brain ${name}`, async () => {
    assert.deepEqual(await runMatrixCell(cell), RIGHT);
  });
}
