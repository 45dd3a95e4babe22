import { displayName } from '../cells.ts';
import { type Flush, withFlush } from '../flush/flush.ts';
import { barPlot } from '../plots.ts';
import { readResult } from '../results.ts';
import { type RollingCell, rollingCells } from './rolling-cells.ts';
import type { RollingResult, RollingRun } from './rolling-results.ts';
import { drainTable, lagTable, rateTable } from './rolling-tables.ts';

export interface RollingResults {
  drain: RollingResult | undefined;
  lag: RollingResult | undefined;
  rate: RollingResult | undefined;
  /** One of the pair runs comparisons beside it, the other does not. */
  pass: RollingResult | undefined;
}

export function readRolling(directory: string, flush: Flush): RollingResults {
  const read = (id: string) => readResult<RollingRun>(directory, withFlush({ id, title: '' }, flush).id);
  return { drain: read('f-drain'), lag: read('f-lag'), rate: read('f-rate'), pass: read('f-pass') };
}

/** @returns undefined without results */
export function rollingReport({ drain, lag, rate, pass }: RollingResults): string | undefined {
  const parts = [
    ...(drain === undefined ? [] : [`### ${drain.title}`, drainTable(drain), image(drain)]),
    ...(lag === undefined ? [] : [`### ${lag.title}`, lagTable(lag), image(lag)]),
    ...(rate === undefined ? [] : [`### ${rate.title}`, rateTable(rate)]),
    ...(pass === undefined ? [] : [`### ${pass.title}`, lagTable(pass)]),
  ];
  return parts.length === 0 ? undefined : parts.join('\n\n');
}

/** File names and content. */
export function rollingPlots({ drain, lag }: RollingResults): [string, string][] {
  const rate = ({ changes, drained }: RollingCell) => (drained === undefined ? 0 : changes / drained);
  return [
    ...(drain === undefined ? [] : [plot(drain, 'mailboxes/s', rate)]),
    ...(lag === undefined ? [] : [plot(lag, 's (p99)', (cell) => cell.p99)]),
  ];
}

function image({ case: id, title }: RollingResult): string {
  return `![${title}](performance/${id}.svg)`;
}

function plot(result: RollingResult, unit: string, value: (cell: RollingCell) => number): [string, string] {
  const cells = rollingCells(result);
  const groups = [...new Set(cells.map((cell) => cell.roundTrip))].map((roundTrip) => ({
    name: roundTrip === 0 ? 'loopback' : `${roundTrip} ms round trip`,
    bars: cells
      .filter((cell) => cell.roundTrip === roundTrip)
      .map((cell) => ({
        name: displayName(cell.contender, '-R'),
        value: value(cell),
        ours: cell.contender.startsWith('ours'),
      })),
  }));
  return [`${result.case}.svg`, barPlot(result.title, unit, groups)];
}
