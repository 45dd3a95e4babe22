import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INSTALLED_PROGRAMS, PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type MatrixCell, PHASES, runMatrixCell } from '../../lab/matrix-cell.ts';
import { layoutOfCell } from '../../lab/matrix-layouts.ts';

/** All that is right of a cell. */
const RIGHT = Object.fromEntries(PHASES.map((phase) => [phase, []]));

// From masters that keep scripts as files to an imapd, scripts can go amiss (docs/compatibility.md).
const service = PROGRAMS.isAtLeast(3, 6) ? 'imapd' : 'csync';
const common = { from: 'files' as const, layout: layoutOfCell(0, 0, 0), oldest: INSTALLED_PROGRAMS };
const cells: Record<string, MatrixCell> = {
  'to a replica of this version': {
    master: INSTALLED_PROGRAMS,
    replica: PROGRAMS,
    service: 'csync',
    ...common,
  },
  'from a master of this version': { master: PROGRAMS, replica: INSTALLED_PROGRAMS, service, ...common },
};

for (const [name, cell] of Object.entries(cells)) {
  test(`first copy, changes, renames, rolling mode and split brain ${name}`, async () => {
    assert.deepEqual(await runMatrixCell(cell), RIGHT);
  });
}
