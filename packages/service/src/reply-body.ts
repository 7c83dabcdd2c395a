/** What a body is that goes out, and which answers have none. */
import type { ReplyBody } from './exchange.ts';

/** Statuses whose answers have no body (RFC 9110). */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

export const mayHaveBody = (status: number): boolean => !BODILESS.has(status);

export const isStream = (body: ReplyBody | null): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

/** Nobody will read the body: a stream is told so. */
export function discardBody(body: ReplyBody | null): void {
  if (isStream(body)) void body[Symbol.asyncIterator]().return?.();
}
