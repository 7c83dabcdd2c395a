/** What a supervisor tells the world, on `node:diagnostics_channel`. Unheard, it costs nothing. */
import { channel } from 'node:diagnostics_channel';

/** On `ekiben:supervisor:child`. */
export interface ChildEvent {
  readonly supervisor: string;
  readonly slot: number;
  readonly event: 'ready' | 'crashed' | 'unresponsive' | 'recycled' | 'replaced' | 'down';
  readonly pid?: number | undefined;
  readonly error?: Error | undefined;
}

export const childEvents = channel('ekiben:supervisor:child');
