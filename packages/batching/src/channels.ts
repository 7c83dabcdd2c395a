// What a batcher tells the world, on node:diagnostics_channel. Unheard, it costs nothing.

import { channel } from 'node:diagnostics_channel';
import type { Batch } from './batch.ts';

/** On `ekiben:batching:released`: a batch starts. */
export interface BatchReleased {
  /** The batcher's name. */
  readonly batcher: string;
  readonly calls: number;
  readonly rows: number;
  /** How long the oldest of its calls was queued. */
  readonly waitedMs: number;
  /** Rows that stay queued. */
  readonly queuedRows: number;
}

/** On `ekiben:batching:completed`: a batch ended. */
export interface BatchCompleted {
  readonly batcher: string;
  readonly calls: number;
  readonly rows: number;
  readonly durationMs: number;
  /** Why it failed, if it did. Calls that are retried are released and completed again. */
  readonly error: unknown;
}

/** On `ekiben:batching:refused`: a call was turned away, at the door or because it could not be answered before its deadline. */
export interface CallRefused {
  readonly batcher: string;
  readonly rows: number;
  readonly code: string;
}

const released = channel('ekiben:batching:released');
const completed = channel('ekiben:batching:completed');
const refused = channel('ekiben:batching:refused');

export function publishReleased<In, Out>(batcher: string, batch: Batch<In, Out>, queuedRows: number): void {
  if (!released.hasSubscribers) return;
  const { calls, info } = batch;
  const { rows, waitedMs } = info;
  released.publish({ batcher, calls: calls.length, rows, waitedMs, queuedRows } satisfies BatchReleased);
}

export function publishCompleted<In, Out>(batcher: string, batch: Batch<In, Out>, now: number, error: unknown): void {
  if (!completed.hasSubscribers) return;
  const { calls, startedAt, info } = batch;
  const durationMs = now - startedAt;
  completed.publish({ batcher, calls: calls.length, rows: info.rows, durationMs, error } satisfies BatchCompleted);
}

export function publishRefused(batcher: string, rows: number, code: string): void {
  if (refused.hasSubscribers) refused.publish({ batcher, rows, code } satisfies CallRefused);
}
