/** What a child and its supervisor tell each other over the IPC channel. */
import type { ErrorRecord } from './error-record.ts';

export type ChildMessage =
  | { readonly kind: 'ready'; readonly facts: unknown }
  /** It could not start, and is about to exit. */
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  /** Every {@link HEARTBEAT_MS}: its event loop turns. */
  | { readonly kind: 'alive'; readonly memoryBytes: number }
  | { readonly kind: 'note'; readonly note: unknown };

/** Finish what you do, take nothing new, then exit. */
export type SupervisorMessage = { readonly kind: 'drain' };

export const HEARTBEAT_MS = 500;
