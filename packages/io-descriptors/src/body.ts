import { EkibenError } from '@ekiben/spec';
import type { Body } from './descriptor.ts';

/** The whole body as one array. @throws EKIBEN_BODY_TOO_LARGE as soon as more than `maxBytes` have come */
export async function collect(body: Body, maxBytes: number): Promise<Uint8Array> {
  if (body instanceof Uint8Array) {
    checkSize(body.byteLength, maxBytes);
    return body;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    checkSize(size, maxBytes);
    chunks.push(chunk);
  }
  const [first] = chunks;
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks, size);
}

/** What `read` makes of the whole body. A promise comes out only when the body comes in pieces. */
export function readWhole<T>(
  body: Body,
  maxBytes: number,
  read: (bytes: Uint8Array) => T | Promise<T>,
): T | Promise<T> {
  if (!(body instanceof Uint8Array)) return collect(body, maxBytes).then(read);
  checkSize(body.byteLength, maxBytes);
  return read(body);
}

/** The body as it comes. @throws EKIBEN_BODY_TOO_LARGE as soon as more than `maxBytes` have come */
export async function* bounded(body: Body, maxBytes: number): AsyncGenerator<Uint8Array, void> {
  let size = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    size += chunk.byteLength;
    checkSize(size, maxBytes);
    yield chunk;
  }
}

export function checkSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return; // written so that a limit of NaN lets nothing through
  const message = `The body has more than the ${maxBytes} bytes that are taken here.`;
  throw new EkibenError('EKIBEN_BODY_TOO_LARGE', message, { details: { maxBytes } });
}
