import { displayName, pairedRatio } from '../cells.ts';
import { introduction, mb, seconds, table } from '../markdown-tables.ts';
import { drainRatio, type RollingCell, rollingCells } from './rolling-cells.ts';
import type { RollingResult } from './rolling-results.ts';

export function drainTable(result: RollingResult): string {
  const rows = rollingCells(result).map((cell) => {
    const { roundTrip, contender, changes, drained } = cell;
    const ratio = drainRatio(result, contender, roundTrip);
    return [
      String(roundTrip),
      displayName(contender, '-R'),
      drained === undefined ? '' : (changes / drained).toFixed(1),
      ratio === undefined ? '' : ratio.toFixed(2),
      drained === undefined ? '' : seconds(drained),
      ...costs(cell),
    ];
  });
  const head = ['>RTT ms', '<client', '>mailboxes a second', '>times the C client', '>seconds', ...COSTS];
  return `${introduction(result)}\n\n${table([head, ...rows])}`;
}

export function lagTable(result: RollingResult): string {
  const rows = rollingCells(result).map((cell) => {
    // What has not arrived is at least as late as it is old.
    const bound = cell.missing > 0 ? '≥ ' : '';
    const arrived = (100 * (cell.changes - cell.behind)) / cell.changes;
    return [
      String(cell.roundTrip),
      displayName(cell.contender, '-R'),
      cell.achieved === undefined ? '' : cell.achieved.toFixed(1),
      cell.p50.toFixed(3),
      `${bound}${cell.p99.toFixed(3)}`,
      `${bound}${cell.most.toFixed(3)}`,
      `${arrived.toFixed(0)}%`,
      cell.lag.toFixed(2),
      cell.drained === undefined ? `${cell.missing} missing` : seconds(cell.drained),
      ...costs(cell),
    ];
  });
  const head = [
    ...['>RTT ms', '<client', '>changes/s', '>lag p50 s', '>lag p99 s', '>lag most s'],
    ...['>there when the load ended', '>oldest not there s', '>rest took s', ...COSTS],
  ];
  return `${introduction(result)}\n\n${table([head, ...rows])}`;
}

export function rateTable(result: RollingResult): string {
  const rows = rollingCells(result).map(({ roundTrip, contender, sustained, rounds }) => {
    const ratio = pairedRatio(result.runs, 'c', contender, roundTrip, ({ sustained: rate = 0 }) => 1 / rate);
    return [
      String(roundTrip),
      displayName(contender, '-R'),
      sustained === undefined ? '' : sustained.toFixed(1),
      ratio === undefined ? '' : ratio.toFixed(2),
      String(rounds),
    ];
  });
  const head = ['>RTT ms', '<client', '>changes a second', '>times the C client', '>runs'];
  return `${introduction(result)}\n\n${table([head, ...rows])}`;
}

const COSTS = ['>client CPU s', '>replica CPU s', '>peak MB', '>MB on the wire', '>failures', '>runs'];

function costs(cell: RollingCell): string[] {
  return [
    seconds(cell.cpu),
    seconds(cell.serverCpu),
    mb(cell.peakRss),
    cell.wire === undefined ? '' : mb(cell.wire),
    String(cell.failures),
    String(cell.rounds),
  ];
}
