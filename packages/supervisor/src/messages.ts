/** What a child and its supervisor tell each other over the IPC channel. */
import type { ErrorRecord } from './error-record.ts';

export type ChildMessage =
  | { readonly kind: 'ready'; readonly facts: unknown }
  /** It could not start, and is about to exit. */
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  /** Every {@link HEARTBEAT_MS}: its event loop turns. */
  | { readonly kind: 'alive'; readonly memoryBytes: number }
  | { readonly kind: 'note'; readonly note: unknown }
  /** The connection of that number is its own now. */
  | { readonly kind: 'taken'; readonly connection: number }
  /** `id`: of the question; null for the last word of one that ends. */
  | { readonly kind: 'answer'; readonly topic: string; readonly id: number | null; readonly answer: unknown };

export type SupervisorMessage =
  /** Finish what you do, take nothing new, then exit. */
  | { readonly kind: 'drain' }
  /** `connection`: the number of the one that comes with it. */
  | { readonly kind: 'message'; readonly message: unknown; readonly connection?: number }
  | { readonly kind: 'ask'; readonly topic: string; readonly id: number };

export const HEARTBEAT_MS = 500;
