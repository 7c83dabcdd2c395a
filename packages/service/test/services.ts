// Descriptors and requests that several tests share.
import type { Descriptor } from '@ekiben/io-descriptors';

/** Bytes as they come: the input is a stream, so is the output. */
export function byteStream(maxBytes = 1024): Descriptor<AsyncIterable<Uint8Array>, AsyncIterable<Uint8Array>> {
  return {
    mediaTypes: ['application/octet-stream'],
    contentType: 'application/octet-stream',
    maxBytes,
    decode: (body) => (body instanceof Uint8Array ? once(body) : body),
    parse: (value) => value as AsyncIterable<Uint8Array>,
    encode: (chunks) => chunks,
    toWire: (chunks) => chunks,
    jsonSchema: () => undefined,
    example: undefined,
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export function post(path: string, body: unknown, headers: Record<string, string> = {}): Request {
  return new Request(`http://service${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** A request body that comes in pieces, so that nobody knows its length before. */
export function streamed(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Request {
  const body = ReadableStream.from(chunks);
  return new Request(`http://service${path}`, { method: 'POST', body, duplex: 'half' });
}

export async function gather(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}
