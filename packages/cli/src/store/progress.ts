// A bar on the terminal for what takes longer than a second.
import { humanSize } from './values.ts';

const SHOWN_AFTER_MS = 1000;
const REDRAWN_AFTER_MS = 100;
const BAR_WIDTH = 30;

export interface Progress {
  /** Bytes so far, and in all where that is known. */
  report(done: number, total: number | undefined): void;
  /** Wipes the bar away. */
  end(): void;
}

export function showProgress(label: string, quiet: boolean): Progress {
  const screen = process.stderr;
  if (quiet || !screen.isTTY) return { report: () => {}, end: () => {} };
  const start = Date.now();
  let drawn = 0;
  return {
    report(done, total) {
      const now = Date.now();
      if (now - start < SHOWN_AFTER_MS || now - drawn < REDRAWN_AFTER_MS) return;
      drawn = now;
      screen.write(`\r\u001b[K${progressLine(label, done, total, now - start)}`.slice(0, screen.columns + 3));
    },
    end() {
      if (drawn > 0) screen.write('\r\u001b[K');
    },
  };
}

export function progressLine(label: string, done: number, total: number | undefined, elapsedMs: number): string {
  const speed = `${humanSize(done / (elapsedMs / 1000))}/s`;
  if (total === undefined || total === 0) return `${label}  ${humanSize(done)}  ${speed}`;
  const part = Math.min(1, done / total);
  const filled = Math.round(part * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  return `${label}  ${bar}  ${Math.floor(part * 100)} %  ${humanSize(done)} of ${humanSize(total)}  ${speed}`;
}
