import { cellsOf, displayName, speedup } from './cells.ts';
import type { MicroResult } from './micro-results.ts';
import type { CaseResult, RunKey } from './results.ts';
import { median } from './statistics.ts';
import type { Target } from './target.ts';

export function caseTable(result: CaseResult): string {
  const cells = cellsOf(result);
  const wire = cells.some((cell) => cell.wire !== undefined);
  const spool = cells.some((cell) => cell.spool !== undefined);
  const link = cells.some((cell) => cell.linkCpu !== undefined);
  const idle = cells.some((cell) => cell.idleProcessors !== undefined);
  const locked = cells.some((cell) => cell.listLocked !== undefined);
  const first = cells.some((cell) => cell.firstOctet !== undefined);
  const rows = [
    [
      '>RTT ms',
      '<client',
      '>seconds',
      '>times faster than C -A',
      '>client CPU s',
      '>replica CPU s',
      ...(link ? ['>link CPU s'] : []),
      ...(idle ? ['>processors idle'] : []),
      '>peak MB',
      ...(wire ? ['>MB on the wire'] : []),
      ...(spool ? [">replica's MB"] : []),
      ...(locked ? ['>mailboxes.db locked s'] : []),
      ...(first ? ['>first octet after s'] : []),
      '>runs',
    ],
  ];
  for (const cell of cells) {
    const times = speedup(result, 'c', cell.contender, cell.roundTrip);
    rows.push([
      String(cell.roundTrip),
      displayName(cell.contender),
      seconds(cell.wall),
      times === undefined ? '' : times.toFixed(2),
      seconds(cell.cpu),
      seconds(cell.serverCpu),
      ...(link ? [cell.linkCpu === undefined ? '' : seconds(cell.linkCpu)] : []),
      ...(idle ? [cell.idleProcessors === undefined ? '' : cell.idleProcessors.toFixed(2)] : []),
      mb(cell.peakRss),
      ...(wire ? [cell.wire === undefined ? '' : mb(cell.wire)] : []),
      ...(spool ? [cell.spool === undefined ? '' : mb(cell.spool)] : []),
      ...(locked ? [cell.listLocked === undefined ? '' : seconds(cell.listLocked)] : []),
      ...(first ? [cell.firstOctet === undefined ? '' : seconds(cell.firstOctet)] : []),
      String(cell.rounds),
    ]);
  }
  return `${introduction(result)}\n\n${table(rows)}`;
}

/** The paragraph on what was worked on, where, and under which circumstances. */
export function introduction(result: CaseResult<RunKey & { load?: number }>): string {
  const { work, machine } = result;
  const what =
    `${work.users} users, ${work.mailboxes} mailboxes, ${work.messages} messages, ${mb(work.octets)} MB. ` +
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.fileSystem}; ` +
    `Node ${machine.node}, Cyrus ${machine.cyrus}, cyrus-sync ${machine.cyrusSync} (${result.code}).`;
  return [what, ...loadLines(result), ...pingLines(result)].join('\n\n');
}

function loadLines(result: CaseResult<RunKey & { load?: number }>): string[] {
  const loads = result.runs.flatMap((run) => (run.load === undefined ? [] : [run.load]));
  if (loads.length === 0) return [];
  return [
    `Load average when a run began: median ${median(loads).toFixed(1)}, highest ${Math.max(...loads).toFixed(1)}; ` +
      `runs from ${new Set(result.runs.map((run) => run.round)).size} rounds.`,
  ];
}

function pingLines(result: CaseResult<RunKey>): string[] {
  if (result.pings.length === 0) return [];
  const measured = result.pings.map((each) => `${each.roundTrip} ms: ${each.median.toFixed(1)} ms`);
  return [`Round trips as measured through the proxy (median of pings): ${measured.join(', ')}.`];
}

export function targetTable(targets: readonly Target[]): string {
  const verdict = (met: boolean | undefined) => (met === undefined ? '' : met ? 'yes' : '**no**');
  return table([
    ['<what', '>wanted', '>measured', '<met'],
    ...targets.map(({ text, least, found, met }) => [text, least, found, verdict(met)]),
  ]);
}

export function microTable(result: MicroResult): string {
  return table([
    ['<what', '>per second', '<unit', '>spread'],
    ...result.rows.map((each) => [
      each.name,
      each.rate.toFixed(each.rate < 100 ? 1 : 0),
      each.unit,
      `±${each.spread.toFixed(1)}%`,
    ]),
  ]);
}

/**
 * Columns padded to one width, as the project's formatter wants them.
 * @param rows the first is the head; each of its cells begins with `<` or `>`, the column's alignment
 */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const right = head.map((cell) => cell.startsWith('>'));
  const content = [head.map((cell) => cell.slice(1)), ...body];
  const widths = head.map((_, column) => Math.max(3, ...content.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const padded = content.map((row) =>
    line(
      widths.map((width, column) => {
        const cell = row[column] ?? '';
        return right[column] ? cell.padStart(width) : cell.padEnd(width);
      }),
    ),
  );
  const rule = widths.map((width, column) =>
    right[column] ? `${'-'.repeat(width - 1)}:` : `:${'-'.repeat(width - 1)}`,
  );
  return [padded[0], line(rule), ...padded.slice(1)].join('\n');
}

export function mb(octets: number): string {
  const value = octets / 1e6;
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

export function seconds(value: number): string {
  return value < 100 ? value.toFixed(2) : value.toFixed(0);
}
