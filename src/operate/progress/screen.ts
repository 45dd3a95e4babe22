import stringWidth from 'string-width';
import { printable } from '../../report/printable.ts';

/** Where a screen may be drawn. */
export interface ScreenStream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Node's own, of a terminal: asks for the size. It does so by itself only once it has heard of the resize. */
  _refreshSize?(): void;
  on(event: 'resize', call: () => void): unknown;
  off(event: 'resize', call: () => void): unknown;
}

/** A few lines that are drawn over themselves, below whatever was written before. */
export interface Screen extends Disposable {
  /** Draws these, printable, in the place of those before; without a cursor to move, writes them below. */
  show(lines: readonly string[]): void;
  /** Takes away what is drawn, so that others write in its place. */
  clear(): void;
  readonly size: ScreenSize | undefined;
}

export interface ScreenSize {
  columns: number;
  rows: number;
}

/** The size of a terminal that does not tell its own. */
const USUAL: ScreenSize = { columns: 80, rows: 24 };
const LEAST: ScreenSize = { columns: 20, rows: 4 };

/**
 * Draws on a terminal that can move its cursor. The cursor always waits at the beginning of the line below, so that wherever
 * the process ends, the shell goes on there. After a resize the terminal has broken the lines anew, and what is drawn is taken away by
 * what they have become; after the process was stopped and continued, others have written, and it is drawn anew below.
 *
 * @param terminal what $TERM says
 */
export function openScreen(stream: ScreenStream, terminal: string | undefined): Screen {
  if (!stream.isTTY || terminal === undefined || terminal === '' || terminal === 'dumb')
    return plainScreen(stream);
  let drawn: readonly string[] = [];
  const sizeNow = (): ScreenSize => {
    // A timer that was due comes before the signal, and what is drawn would be taken away by what it no longer is.
    stream._refreshSize?.();
    return {
      columns: Math.max(LEAST.columns, stream.columns || USUAL.columns),
      rows: Math.max(LEAST.rows, stream.rows || USUAL.rows),
    };
  };
  const clear = (): void => {
    const { columns } = sizeNow();
    const rows = rowsOf(drawn, columns);
    if (rows > 0) stream.write(`${UP(rows)}${CLEAR_BELOW}`);
    drawn = [];
  };
  const show = (lines: readonly string[]): void => {
    const { columns, rows } = sizeNow();
    const fitting = lines.slice(0, rows - 1).map((line) => cut(printable(line), columns - 1));
    const before = rowsOf(drawn, columns);
    const up = before > 0 ? `${UP(Math.min(before, rows - 1))}${CLEAR_BELOW}` : '';
    stream.write(`${up}${fitting.map((line) => `${line}\n`).join('')}`);
    drawn = fitting;
  };
  const redraw = (): void => {
    if (drawn.length > 0) show(drawn);
  };
  const continued = (): void => {
    const lines = drawn;
    drawn = [];
    if (lines.length > 0) show(lines);
  };
  stream.on('resize', redraw);
  process.on('SIGCONT', continued);
  return {
    show,
    clear,
    get size() {
      return sizeNow();
    },
    [Symbol.dispose]: () => {
      stream.off('resize', redraw);
      process.off('SIGCONT', continued);
    },
  };
}

function plainScreen(stream: ScreenStream): Screen {
  return {
    show: (lines) => void stream.write(lines.map((line) => `${printable(line)}\n`).join('')),
    clear: () => {},
    size: undefined,
    [Symbol.dispose]: () => {},
  };
}

const UP = (rows: number): string => `\u001b[${rows}F`;
const CLEAR_BELOW = '\u001b[J';

/** Rows that lines take on a terminal of so many columns, which breaks those that are longer. */
function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(stringWidth(line) / columns)), 0);
}

const segments = new Intl.Segmenter();

/** @returns so much of a line as fits into the columns, with `..` where something is missing */
export function cut(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line;
  let short = '';
  let width = 0;
  for (const { segment } of segments.segment(line)) {
    width += stringWidth(segment);
    if (width > columns - 2) break;
    short += segment;
  }
  return `${short}..`;
}

/** A line as several, broken between words where one is too long. */
export function wrap(line: string, columns: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && stringWidth(longer) > columns) {
      lines.push(current);
      current = `  ${word}`;
    } else {
      current = longer;
    }
  }
  return [...lines, current];
}
