/** A worker process gathers what its batches were, and tells its supervisor in few words. */
import { sendNote } from '@ekiben/supervisor';
import type { BatchNote } from './bootstrap.ts';
import { batchesRun } from './channels.ts';
import type { BatchesRun, Tally } from './channels.ts';

/** How often. */
const NOTE_MS = 500;

type Sums = BatchesRun & Record<'rows' | 'queuedMs' | 'durationMs', Record<number, number>>;

/** Begins. The result tells at once what has not been told yet. */
export function noteBatches(): () => void {
  const byMethod = new Map<string, Sums>();
  batchesRun.subscribe((message) => {
    const batch = message as BatchesRun;
    let sums = byMethod.get(batch.method);
    if (sums === undefined) byMethod.set(batch.method, (sums = { ...batch, rows: {}, queuedMs: {}, durationMs: {} }));
    add(sums.rows, batch.rows);
    add(sums.queuedMs, batch.queuedMs, 2);
    add(sums.durationMs, batch.durationMs, 2);
  });
  const note = () => {
    if (byMethod.size === 0) return;
    sendNote({ batches: [...byMethod.values()] } satisfies BatchNote);
    byMethod.clear();
  };
  setInterval(note, NOTE_MS).unref();
  return note;
}

/** With values rounded to so many digits, thousands of times are a few dozen numbers. */
function add(sum: Record<number, number>, tally: Tally, digits?: number): void {
  for (const [value, times] of Object.entries(tally)) {
    const rounded = digits === undefined ? Number(value) : Number(Number(value).toPrecision(digits));
    sum[rounded] = (sum[rounded] ?? 0) + times;
  }
}
