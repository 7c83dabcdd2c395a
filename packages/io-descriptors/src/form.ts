/** Forms (`multipart/form-data`, RFC 7578) part by part, as the body comes: no more of it is held than one chunk. */
import { EkibenError } from '@ekiben/spec';
import { make } from 'multipasta';
import type { MultipartError, PartInfo } from 'multipasta';
import { checkSize } from './body.ts';
import type { Body } from './descriptor.ts';
import { refusedInput } from './faults.ts';
import { DEFAULT_MAX_PARTS } from './limits.ts';
import { essenceOf, unsupportedType } from './media-type.ts';

export const FORM = 'multipart/form-data';

/** A part of a form. Its content has to be read before the next part is asked for, or is skipped. */
export interface Part {
  readonly name: string;
  readonly filename: string | undefined;
  /** As its own header says, if it has one. */
  readonly contentType: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface FormLimits {
  readonly maxBytes: number;
  readonly maxParts: number;
}

/** @throws EKIBEN_UNSUPPORTED_MEDIA_TYPE */
export function checkFormType(contentType: string | undefined): asserts contentType is string {
  if (essenceOf(contentType) !== FORM) throw unsupportedType(contentType, [FORM]);
}

/** What the parser finds: a part begins, content of it, it ends. */
type Event = PartInfo | Uint8Array | null;

/**
 * @throws EKIBEN_UNSUPPORTED_MEDIA_TYPE for what is no form, EKIBEN_BODY_TOO_LARGE
 * @throws EKIBEN_INVALID_INPUT for a form that is malformed, has too many parts, or ends too early
 */
export async function* readForm(
  body: Body,
  contentType: string | undefined,
  limits: FormLimits,
): AsyncGenerator<Part, void> {
  checkFormType(contentType);
  const events = readEvents(body, contentType, limits);
  const content = {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const { done, value } = await events.next();
        if (done === true || value === null) return;
        yield value as Uint8Array;
      }
    },
  };
  try {
    for (;;) {
      const { done, value } = await events.next();
      if (done === true) return;
      // Content that nobody wanted to read comes out here.
      if (value === null || value instanceof Uint8Array) continue;
      const { name, filename, headers } = value;
      const type = headers['content-type'];
      yield { name, filename, contentType: typeof type === 'string' ? type.trim() : undefined, content };
    }
  } finally {
    await events.return();
  }
}

async function* readEvents(
  body: Body,
  contentType: string,
  { maxBytes, maxParts }: FormLimits,
): AsyncGenerator<Event, void> {
  const events: Event[] = [];
  let error: MultipartError | undefined;
  let isDone = false;
  const parser = make({
    headers: { 'content-type': contentType },
    isFile: () => true,
    maxParts,
    onFile(info) {
      events.push(info);
      return (chunk) => void events.push(chunk);
    },
    // Every part is a file to the parser.
    onField: () => undefined,
    onError: (found) => (error ??= found),
    onDone: () => (isDone = true),
  });
  const write = (bytes: Uint8Array) => {
    if (isDone) return; // what follows the form is nobody's
    try {
      parser.write(bytes);
    } catch {
      throw malformed(BAD_HEADER); // such as a filename with a broken escape
    }
    if (error !== undefined) throw faultOf(error, maxParts);
  };
  let size = 0;
  let rest = EMPTY;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    checkSize((size += chunk.byteLength), maxBytes);
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.length - dashesAtEnd(bytes);
    rest = bytes.subarray(end);
    write(bytes.subarray(0, end));
    yield* events.splice(0);
  }
  write(rest);
  if (!isDone) throw malformed('must end with its boundary');
  yield* events.splice(0);
}

const EMPTY: Uint8Array = new Uint8Array(0);
const BAD_HEADER = 'has a part with a header that cannot be read';
const DASH = 0x2d;

/** The two that end a form have to reach the parser together. */
function dashesAtEnd(bytes: Uint8Array): number {
  if (bytes.at(-1) !== DASH) return 0;
  return bytes.at(-2) === DASH ? 2 : 1;
}

function faultOf(error: MultipartError, maxParts: number): EkibenError {
  switch (error._tag) {
    case 'ReachedLimit':
      return malformed(`must have at most ${maxParts} parts`);
    case 'EndNotReached':
      return malformed('must end with its boundary');
    case 'InvalidBoundary':
      return malformed('must have a boundary, which its Content-Type names');
    case 'InvalidDisposition':
      return malformed('has a part without a name');
    case 'BadHeaders':
      return malformed(BAD_HEADER);
  }
}

const malformed = (message: string) => refusedInput([{ pointer: '', message }]);

/**
 * What `read` makes of the first file in a form, as `curl -F` and `requests.post(files=…)` send one.
 * @param streams - whether `read` leaves the content to be read later
 */
export async function readFirstFile<T>(
  body: Body,
  contentType: string | undefined,
  maxBytes: number,
  read: (part: Part) => T | Promise<T>,
  streams = false,
): Promise<T> {
  const form = readForm(body, contentType, { maxBytes, maxParts: DEFAULT_MAX_PARTS });
  let part: Part | undefined;
  do {
    const { done, value } = await form.next();
    if (done === true) throw malformed('must have a part that is a file');
    part = value;
  } while (part.filename === undefined);
  // Each level would read all that is within it.
  if (essenceOf(part.contentType) === FORM) throw malformed('must not have a form within');
  try {
    return await read(part);
  } finally {
    if (!streams) await form.return();
  }
}
