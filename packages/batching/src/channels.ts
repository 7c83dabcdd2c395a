// What a batcher tells the world, on node:diagnostics_channel. Unheard, it costs nothing.

import { channel } from 'node:diagnostics_channel';

/** On `ekiben:batching:released`: a batch starts. */
export interface BatchReleased {
  readonly batcher: string;
  readonly calls: number;
  readonly rows: number;
  /** How long its first call was queued. */
  readonly waitedMs: number;
  /** Rows left in the queue. */
  readonly queuedRows: number;
}

/** On `ekiben:batching:completed`: a batch ended. */
export interface BatchCompleted {
  readonly batcher: string;
  readonly calls: number;
  readonly rows: number;
  readonly durationMs: number;
  /** Why it failed. Calls that are retried report again. */
  readonly error?: unknown;
}

/** On `ekiben:batching:refused`: a call was turned away, at the door or when its deadline had passed in the queue. */
export interface CallRefused {
  readonly batcher: string;
  readonly rows: number;
  readonly code: string;
}

export const released = channel('ekiben:batching:released');
export const completed = channel('ekiben:batching:completed');
export const refused = channel('ekiben:batching:refused');
