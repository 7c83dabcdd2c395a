/** A worker process gathers what its batches were, and tells its supervisor in few words. */
import { sendNote } from '@ekiben/supervisor';
import type { BatchNote } from './bootstrap.ts';
import { batchesRun } from './channels.ts';
import type { BatchesRun, Tally } from './channels.ts';

/** How often. */
const NOTE_MS = 500;

/** Of one method. */
class Sums {
  readonly #last: BatchesRun;
  readonly #rows = new Map<number, number>();
  readonly #queuedMs = new Map<number, number>();
  readonly #durationMs = new Map<number, number>();

  constructor(batch: BatchesRun) {
    this.#last = batch;
  }

  add({ rows, queuedMs, durationMs }: BatchesRun): void {
    add(this.#rows, rows, (value) => value);
    add(this.#queuedMs, queuedMs, twoDigits);
    add(this.#durationMs, durationMs, twoDigits);
  }

  get message(): BatchesRun {
    return { ...this.#last, rows: [...this.#rows], queuedMs: [...this.#queuedMs], durationMs: [...this.#durationMs] };
  }
}

/** Begins. The result tells at once what has not been told yet. */
export function noteBatches(): () => void {
  const byMethod = new Map<string, Sums>();
  batchesRun.subscribe((message) => {
    const batch = message as BatchesRun;
    let sums = byMethod.get(batch.method);
    if (sums === undefined) byMethod.set(batch.method, (sums = new Sums(batch)));
    sums.add(batch);
  });
  const note = () => {
    if (byMethod.size === 0) return;
    sendNote({ batches: Array.from(byMethod.values(), ({ message }) => message) } satisfies BatchNote);
    byMethod.clear();
  };
  setInterval(note, NOTE_MS).unref();
  return note;
}

function add(sum: Map<number, number>, tally: Tally, round: (value: number) => number): void {
  for (const [value, batches] of tally) {
    const rounded = round(value);
    sum.set(rounded, (sum.get(rounded) ?? 0) + batches);
  }
}

/** Rounded so, thousands of times are a few dozen numbers. */
function twoDigits(ms: number): number {
  if (ms <= 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(ms)) - 1);
  return Math.round(ms / unit) * unit;
}
