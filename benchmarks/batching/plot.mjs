// Line charts as SVG, side by side, with the axes' labels and one legend. Readable on light and dark pages.

const WIDTH = 420;
const HEIGHT = 300;
const MARGIN = { left: 64, right: 30, top: 34, bottom: 44 };
const COLOURS = ['#9aa0a6', '#e0962a', '#b4539b', '#1a7f5a', '#2b6cb0'];

/**
 * @param {{ title: string, x: Axis, y: Axis, lines: { name: string, points: [number, number][] }[] }[]} charts  of the same lines
 * @typedef {{ label: string, ticks: number[], log?: boolean, format?: (value: number) => string }} Axis
 */
export function plot(charts) {
  const width = WIDTH * charts.length;
  const height = HEIGHT + 34;
  const body = charts.map((chart, index) => `<g transform="translate(${index * WIDTH} 0)">${drawChart(chart)}</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(charts.map(({ title }) => title).join('; '))}</title>`,
    '<style>text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600}.grid{stroke:#8884}polyline{fill:none;stroke-width:2}',
    '@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>',
    ...body,
    drawLegend(charts[0].lines, width),
    '</svg>',
    '',
  ].join('\n');
}

function drawChart({ title, x, y, lines }) {
  const toX = scale(x, MARGIN.left, WIDTH - MARGIN.right);
  const toY = scale(y, HEIGHT - MARGIN.bottom, MARGIN.top);
  const [left, right, bottom, top] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom, MARGIN.top];
  const text = (at, value, rest = '') => `<text x="${at[0]}" y="${at[1]}" ${rest}>${escape(value)}</text>`;
  const format = (axis, value) => axis.format?.(value) ?? String(value);
  return [
    text([left, 20], title, 'class="title"'),
    ...y.ticks.map((tick) => `<line class="grid" x1="${left}" x2="${right}" y1="${toY(tick)}" y2="${toY(tick)}"/>`),
    ...y.ticks.map((tick) => text([left - 6, toY(tick) + 4], format(y, tick), 'text-anchor="end"')),
    ...x.ticks.map((tick) => text([toX(tick), bottom + 16], format(x, tick), 'text-anchor="middle"')),
    text([(left + right) / 2, bottom + 34], x.label, 'text-anchor="middle"'),
    text([0, 0], y.label, `text-anchor="middle" transform="translate(14 ${(top + bottom) / 2}) rotate(-90)"`),
    ...lines.map(({ points }, index) => drawLine(points, toX, toY, y, COLOURS[index])),
  ].join('\n');
}

/** A line leaves the chart at its upper edge. */
function drawLine(points, toX, toY, y, colour) {
  const most = y.ticks.at(-1);
  const inside = points.findIndex(([, value]) => !(value <= most));
  const shown = inside < 0 ? points : [...points.slice(0, inside), [points[inside][0], most]];
  const path = shown.map(([px, py]) => `${toX(px).toFixed(1)},${toY(py).toFixed(1)}`).join(' ');
  return `<polyline stroke="${colour}" points="${path}"/>`;
}

function drawLegend(lines, width) {
  const step = width / lines.length;
  return lines
    .map(({ name }, index) => {
      const x = index * step + 16;
      const y = HEIGHT + 16;
      return `<polyline stroke="${COLOURS[index]}" points="${x},${y - 4} ${x + 22},${y - 4}"/><text x="${x + 28}" y="${y}">${escape(name)}</text>`;
    })
    .join('\n');
}

function scale({ ticks, log }, from, to) {
  const at = log ? Math.log : (value) => value;
  const [least, most] = [at(ticks[0]), at(ticks.at(-1))];
  return (value) => from + ((at(value) - least) / (most - least)) * (to - from);
}

const escape = (text) => text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]);
