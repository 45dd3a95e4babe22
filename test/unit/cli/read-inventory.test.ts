import assert from 'node:assert/strict';
import test from 'node:test';
import { parseInventory } from '../../../src/cli/run-plan/read-inventory.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

const GOOD = `
fleet = autumn
slice = 2m
[master m1]
server = m1.example.org
users = m1.users
hours = 22:00-06:00
[replica r1]
server = r1.example.org
slices = 4
space = 2T
bwlimit = 50M
[wave all]
match = a*, b*
replicas = r1
`;

test('an inventory says where from, where to, and by which limits', () => {
  const { inventory, userFiles } = parseInventory(GOOD, '/etc/fleet.ini', () => []);
  assert.equal(inventory.fleet, 'autumn');
  assert.equal(inventory.sliceSeconds, 120);
  assert.deepEqual(inventory.masters[0]?.hours, { from: 1_320, to: 360 });
  assert.equal(inventory.replicas[0]?.space, 2 * 1_024 ** 4);
  assert.equal(inventory.replicas[0]?.octetsPerSecond, 50_000_000, 'as --bwlimit counts');
  assert.deepEqual(inventory.waves[0]?.match, ['a*', 'b*']);
  assert.deepEqual([...userFiles], [['m1', '/etc/m1.users']]);
});

test('a mistake in an inventory is told with its line, and what is right', () => {
  const mistakes: [from: string, to: string, told: RegExp][] = [
    [
      'replicas = r1',
      'replicas = r2',
      /fleet.ini:15: replicas in \[wave all\]: expected names of \[replica NAME\] \(r1\), found "r2"/,
    ],
    ['slices = 4', 'slices = 0', /fleet.ini:10: slices in \[replica r1\]: expected a whole number from 1/],
    [
      'hours = 22:00-06:00',
      'hours = always',
      /fleet.ini:7: hours in \[master m1\]: expected a part of the day/,
    ],
    ['slice = 2m', 'slice = 5s', /fleet.ini:3: slice: expected a duration .* from 10s on/],
    [
      '50M',
      'much',
      /fleet.ini:12: bwlimit in \[replica r1\]: expected off, or octets a second .*, found "much"/,
    ],
    ['space = 2T', 'spice = 2T', /fleet.ini:11: expected a known key in \[replica r1\], found spice/],
    [
      '[replica r1]',
      '[replica r:1]',
      /fleet.ini:8: expected \[master NAME\], \[replica NAME\] or \[wave NAME\]/,
    ],
    [
      'slices = 4',
      'slices = 4\nconnections = 2',
      /fleet.ini:11: connections in \[replica r1\]: expected one for each of its slices at least \(4 at once\), found 2/,
    ],
    ['[replica r1]', '[replica all]', /fleet.ini:8: expected another name than all, which means all of them/],
    ['server = r1.example.org\n', '', /expected server = VALUE in \[replica r1\]/],
  ];
  for (const [from, to, told] of mistakes) {
    assert.throws(
      () => parseInventory(GOOD.replace(from, to), '/etc/fleet.ini', () => []),
      (error) => error instanceof SyncError && error.code === 'CONFIG' && told.test(error.message),
      to,
    );
  }
});
