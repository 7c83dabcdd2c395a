/** From the values of a form to its bytes. */
import { collect } from './body.ts';
import type { EncodedBody } from './descriptor.ts';
import { FaultList, refusedOutput } from './faults.ts';
import { partsOf } from './form-fields.ts';
import type { Field, Values } from './form-fields.ts';

const CRLF = '\r\n';

/** Whole, unless a part streams. @throws EKIBEN_INVALID_OUTPUT */
export async function encodeForm(fields: readonly Field[], form: Values, boundary: string): Promise<EncodedBody> {
  const faults = new FaultList();
  const given = partsOf(fields, form, faults);
  faults.throwIfAny(refusedOutput);
  const delimiter = Buffer.from(`--${boundary}`);
  const pieces: (string | Uint8Array | AsyncIterable<Uint8Array>)[] = [];
  for (const { name, descriptor } of fields) {
    for (const value of given.get(name) ?? []) {
      const filename = descriptor.filename?.(value as never);
      const disposition = `form-data; name="${quoted(name)}"${filename === undefined ? '' : `; filename="${quoted(filename)}"`}`;
      pieces.push(
        `--${boundary}${CRLF}Content-Disposition: ${disposition}${CRLF}Content-Type: ${descriptor.contentType}${CRLF}${CRLF}`,
        withoutDelimiter(await descriptor.encode(value as never), delimiter),
        CRLF,
      );
    }
  }
  const body = inOrder([...pieces, `--${boundary}--${CRLF}`]);
  return fields.some(({ descriptor }) => descriptor.streams === true) ? body : collect(body, Infinity);
}

async function* inOrder(pieces: readonly EncodedBody[]): AsyncGenerator<Uint8Array, void> {
  for (const piece of pieces) {
    if (typeof piece === 'string') yield Buffer.from(piece);
    else if (piece instanceof Uint8Array) yield piece;
    else yield* piece;
  }
}

/** As browsers write names (https://html.spec.whatwg.org/#multipart-form-data). */
const quoted = (name: string): string => name.replace(/["\r\n]/g, encodeURIComponent);

/**
 * Content that holds the delimiter would be read as further parts. Nobody can guess it, but whoever has had an answer knows it.
 * @throws EKIBEN_INVALID_OUTPUT
 */
async function* withoutDelimiter(content: EncodedBody, delimiter: Buffer): AsyncGenerator<Uint8Array, void> {
  let tail: Uint8Array = new Uint8Array(0);
  for await (const chunk of inOrder([content])) {
    const seen = Buffer.concat([tail, chunk]);
    if (seen.includes(delimiter)) throw refusedOutput([{ pointer: '', message: 'holds the boundary of the form' }]);
    tail = seen.subarray(Math.max(seen.length - delimiter.length + 1, 0));
    yield chunk;
  }
}
