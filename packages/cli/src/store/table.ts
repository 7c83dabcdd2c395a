// Plain tables, as BentoML prints them: fitted to a terminal by shortening the widest columns, whole when piped.
import { printable } from './values.ts';

/** @param width - characters of a line; undefined when nothing need be shortened */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): string {
  const lines = [header, ...rows].map((line) => line.map(printable));
  const widths = fitWidths(
    header.map((_, column) => lines.reduce((widest, line) => Math.max(widest, (line[column] ?? '').length), 0)),
    // One space before, after, and two between columns.
    width === undefined ? Infinity : width - 2 * header.length,
  );
  return lines
    .map((line) => ` ${line.map((cell, column) => fit(cell, widths[column] ?? 0)).join('  ')} `.trimEnd())
    .join('\n');
}

/** Takes from the widest column until all fit. */
function fitWidths(widths: readonly number[], available: number): number[] {
  const fitted = [...widths];
  let excess = fitted.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    const widest = Math.max(...fitted);
    if (widest <= 1) break;
    const column = fitted.lastIndexOf(widest);
    const next = Math.max(1, ...fitted.filter((width) => width < widest));
    const cut = Math.min(excess, Math.max(1, widest - next));
    fitted[column] = widest - cut;
    excess -= cut;
  }
  return fitted;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
