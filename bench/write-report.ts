import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CASES } from './cases.ts';
import { cellsOf, displayName } from './cells.ts';
import { flushesOf, withFlush } from './flush/flush.ts';
import { caseTable, microTable, targetTable } from './markdown-tables.ts';
import { readMicro } from './micro-results.ts';
import { PROJECT } from './options.ts';
import { barPlot, linePlot, type Series } from './plots.ts';
import { type CaseResult, readResult } from './results.ts';
import { readRolling, rollingPlots, rollingReport } from './rolling/rolling-report.ts';
import { SITE_CASES } from './site-cases.ts';
import { SIZE_CASES } from './size-cases.ts';
import { targetsOf } from './targets-of.ts';
import { VERIFY_CASES } from './verify-cases.ts';

const DOCUMENT = join(PROJECT, 'docs', 'performance.md');
const PLOTS = join(PROJECT, 'docs', 'performance');

/**
 * Puts tables of all results at hand into docs/performance.md, each between its own pair of marks, and the plots beside
 * it. What else the document says is left as it is.
 */
export function writeReport(resultsDirectory: string, say: (text: string) => void): void {
  const results = new Map<string, CaseResult>();
  const files = existsSync(resultsDirectory) ? readdirSync(resultsDirectory) : [];
  for (const bench of [...CASES, ...SITE_CASES, ...VERIFY_CASES, ...SIZE_CASES]) {
    for (const flush of flushesOf(bench.id, files)) {
      const { id } = withFlush(bench, flush);
      const result = readResult(resultsDirectory, id);
      if (result !== undefined) results.set(id, result);
    }
  }
  let document = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '# Performance\n';
  const rolling = readRolling(resultsDirectory, 0);
  document = put(
    document,
    'targets',
    targetTable(targetsOf(results, rolling, readRolling(resultsDirectory, 5))),
  );
  mkdirSync(PLOTS, { recursive: true });
  for (const [id, result] of results) {
    const plots = [plotOfTimes(result), plotOfWorkers(result)];
    const shown: string[] = [];
    for (const [index, plot] of plots.entries()) {
      if (plot === undefined) continue;
      const name = `${id}-${index === 0 ? 'times' : 'workers'}.svg`;
      writeFileSync(join(PLOTS, name), plot);
      shown.push(`![${result.title}](performance/${name})`);
    }
    document = put(document, id, [`### ${result.title}`, caseTable(result), ...shown].join('\n\n'));
  }
  const rollingFlushes = new Set(['f-drain', 'f-lag', 'f-rate'].flatMap((id) => flushesOf(id, files)));
  for (const flush of rollingFlushes) {
    const { id } = withFlush({ id: 'f', title: '' }, flush);
    const found = readRolling(resultsDirectory, flush);
    const rollingText = rollingReport(found);
    if (rollingText !== undefined) document = put(document, id, rollingText);
    for (const [name, plot] of rollingPlots(found)) writeFileSync(join(PLOTS, name), plot);
  }
  const micro = readMicro(resultsDirectory);
  if (micro !== undefined) {
    document = put(document, 'g', `### Parts alone\n\n${microTable(micro)}`);
  }
  writeFileSync(DOCUMENT, document);
  say(`wrote ${DOCUMENT}`);
}

/** Replaces what is between the marks of that name; marks not there yet come at the end. */
function put(document: string, mark: string, content: string): string {
  const [begin, end] = [`<!-- bench:${mark} -->`, `<!-- /bench:${mark} -->`];
  const block = `${begin}\n\n${content}\n\n${end}`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) return `${document.trimEnd()}\n\n${block}\n`;
  return document.slice(0, from) + block + document.slice(to + end.length);
}

function plotOfTimes(result: CaseResult): string | undefined {
  const cells = cellsOf(result);
  if (cells.length === 0) return undefined;
  const roundTrips = [...new Set(cells.map((cell) => cell.roundTrip))];
  return barPlot(
    result.title,
    's',
    roundTrips.map((roundTrip) => ({
      name: roundTrip === 0 ? 'loopback' : `${roundTrip} ms round trip`,
      bars: cells
        .filter((cell) => cell.roundTrip === roundTrip)
        .map((cell) => ({
          name: displayName(cell.contender),
          value: cell.wall,
          ours: /^(ours|verify)/.test(cell.contender),
        })),
    })),
  );
}

/** Time over the number of workers; undefined unless there were several. */
function plotOfWorkers(result: CaseResult): string | undefined {
  const cells = cellsOf(result);
  const series: Series[] = [];
  for (const roundTrip of new Set(cells.map((cell) => cell.roundTrip))) {
    const points = cells
      .filter((cell) => cell.roundTrip === roundTrip)
      .map((cell) => ({ x: Number(/^ours(\d+)$/.exec(cell.contender)?.[1] ?? 0), y: cell.wall }))
      .filter((point) => point.x > 0);
    if (points.length > 1) series.push({ name: roundTrip === 0 ? 'loopback' : `${roundTrip} ms`, points });
  }
  if (series.length === 0) return undefined;
  return linePlot(`${result.title}: time over workers`, 'workers', 'seconds', series);
}
