/** SVG by hand: two kinds of plot, no dependencies, readable in a diff. */

export interface Series {
  name: string;
  points: readonly { x: number; y: number }[];
}

const WIDTH = 720;
const FONT = 'font-family="sans-serif" font-size="12"';
const COLOURS = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#3ca951', '#a463f2', '#97bbf5', '#9c6b4e'];

/** One panel per group; bars grow from a common zero within a panel. */
export function barPlot(
  title: string,
  unit: string,
  groups: readonly { name: string; bars: readonly { name: string; value: number; ours: boolean }[] }[],
): string {
  const left = 250;
  const height = 18;
  let y = 40;
  const parts: string[] = [];
  for (const group of groups) {
    const most = Math.max(...group.bars.map((bar) => bar.value));
    parts.push(text(12, y + 12, group.name, 'font-weight="bold"'));
    y += height + 4;
    for (const { name, value, ours } of group.bars) {
      const width = Math.max(1, (value / most) * (WIDTH - left - 90));
      parts.push(
        text(left - 8, y + 12, name, 'text-anchor="end"'),
        `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="${height - 4}" fill="${ours ? COLOURS[0] : '#999'}"/>`,
        text(left + width + 6, y + 12, `${value < 100 ? value.toFixed(2) : value.toFixed(0)} ${unit}`),
      );
      y += height;
    }
    y += 12;
  }
  return svg(title, y, parts);
}

/** Both axes logarithmic to base 2: equal steps are equal factors. */
export function linePlot(title: string, xLabel: string, yLabel: string, series: readonly Series[]): string {
  const box = { left: 70, right: 540, top: 56, bottom: 376 };
  const all = series.flatMap((each) => each.points);
  const xs = axis(all.map((point) => point.x));
  const ys = axis(all.map((point) => point.y));
  const at = (value: number, { least, most }: Axis, from: number, to: number) =>
    from + ((Math.log2(value) - least) / Math.max(1, most - least)) * (to - from);
  const x = (value: number) => at(value, xs, box.left, box.right);
  const y = (value: number) => at(value, ys, box.bottom, box.top);
  const parts: string[] = [];
  for (const tick of ticks(xs)) {
    parts.push(
      line(x(tick), box.top, x(tick), box.bottom),
      text(x(tick), box.bottom + 18, String(tick), 'text-anchor="middle"'),
    );
  }
  for (const tick of ticks(ys)) {
    parts.push(
      line(box.left, y(tick), box.right, y(tick)),
      text(box.left - 8, y(tick) + 4, String(tick), 'text-anchor="end"'),
    );
  }
  parts.push(
    text((box.left + box.right) / 2, box.bottom + 38, xLabel, 'text-anchor="middle"'),
    text(12, box.top - 10, yLabel),
  );
  for (const [index, { name, points }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length];
    const path = points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const point of points) {
      parts.push(
        `<circle cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3" fill="${colour}"/>`,
      );
    }
    const key = box.top + 10 + index * 18;
    parts.push(
      `<rect x="${box.right + 16}" y="${key - 9}" width="10" height="10" fill="${colour}"/>`,
      text(box.right + 32, key, name),
    );
  }
  return svg(title, box.bottom + 50, parts);
}

interface Axis {
  /** Powers of two. */
  least: number;
  most: number;
}

function axis(values: readonly number[]): Axis {
  return {
    least: Math.floor(Math.log2(Math.min(...values))),
    most: Math.ceil(Math.log2(Math.max(...values))),
  };
}

function ticks({ least, most }: Axis): number[] {
  return Array.from({ length: most - least + 1 }, (_, i) => 2 ** (least + i));
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const extra = attributes === '' ? '' : ` ${attributes}`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}"${extra}>${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function svg(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ${FONT}>`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(12, 20, title, 'font-size="14" font-weight="bold"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
