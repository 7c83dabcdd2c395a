export { Batcher } from './batcher.ts';
export { onAbort, type CancelSignal } from './cancel-signal.ts';
export type { BatchCompleted, BatchReleased, CallRefused } from './channels.ts';
export { systemClock, type Clock } from './clock.ts';
export type { BatcherOptions, BatchInfo, CallOptions, Oversized } from './options.ts';
