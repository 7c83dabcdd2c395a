/** Files: bytes that are taken as they are. BentoML's `File`. */
import { bounded, checkSize, collect, readWhole } from './body.ts';
import type { Descriptor } from './descriptor.ts';
import { refusedInput, refusedOutput } from './faults.ts';
import { FORM, readFirstFile } from './form.ts';
import type { Part } from './form.ts';
import { DEFAULT_MAX_FILE_BYTES, DEFAULT_MAX_STREAM_BYTES } from './limits.ts';
import { essenceOf, unsupportedType } from './media-type.ts';

export interface FileOptions {
  /** The media types that are taken, such as `['application/pdf']`. @default any */
  readonly mediaTypes?: readonly string[] | undefined;
  /** The `Content-Type` of what `encode` makes. @default the first of `mediaTypes`, else 'application/octet-stream' */
  readonly contentType?: string | undefined;
  /** The largest file, in bytes. @default 64 MiB, or no limit where it streams */
  readonly maxBytes?: number | undefined;
}

export interface FileInfo {
  /** What the client calls it, without a path; only a part of a form has a name. */
  readonly name?: string | undefined;
  /** What the client says it is. */
  readonly contentType?: string | undefined;
}

/** A file as a handler gets it, and returns it. */
export interface FileData extends FileInfo {
  readonly bytes: Uint8Array;
}

/** A file that comes, or goes, piece by piece. It can be read once. */
export interface FileStream extends FileInfo {
  readonly stream: AsyncIterable<Uint8Array>;
}

/**
 * A file as the whole body, or as the first file of a form (`multipart/form-data`), as `curl -F` and `requests.post(files=…)` send it.
 * With `stream`, it is not gathered: handler and client meet chunk by chunk, whatever its size.
 *
 * What the client says of a file's type and name is its word only: the bytes may be anything.
 *
 * @example
 * file({ mediaTypes: ['application/pdf'] }) // the handler gets { bytes, contentType, name }
 * file({ stream: true, maxBytes: 2 ** 34 }) // the handler gets { stream, contentType, name }
 */
export function file(options: FileOptions & { readonly stream: true }): Descriptor<Uint8Array, FileStream>;
export function file(options?: FileOptions & { readonly stream?: false | undefined }): Descriptor<Uint8Array, FileData>;
export function file(
  options: FileOptions & { readonly stream?: boolean | undefined } = {},
): Descriptor<Uint8Array, FileData> | Descriptor<Uint8Array, FileStream> {
  return options.stream === true ? streamedFile(options) : wholeFile(options);
}

function wholeFile(options: FileOptions): Descriptor<Uint8Array, FileData> {
  const { maxBytes = DEFAULT_MAX_FILE_BYTES } = options;
  const bytesOf = (value: FileData) => {
    if (value?.bytes instanceof Uint8Array) return value.bytes;
    throw refusedOutput([{ pointer: '/bytes', message: 'must be a Uint8Array' }]);
  };
  return {
    ...described(options),
    maxBytes,
    decode(body, contentType, name) {
      if (essenceOf(contentType) === FORM) {
        return readFirstFile(body, contentType, maxBytes, (part) =>
          this.decode(part.content, part.contentType, part.filename),
        );
      }
      checkType(contentType, options);
      return readWhole(body, maxBytes, (bytes) => ({ bytes, ...infoOf(contentType, name) }));
    },
    parse: (value) => ({ bytes: wireBytes(value, maxBytes) }),
    filename: ({ name }) => name,
    encode: bytesOf,
    toWire: bytesOf,
  };
}

function streamedFile(options: FileOptions): Descriptor<Uint8Array, FileStream> {
  const { maxBytes = DEFAULT_MAX_STREAM_BYTES } = options;
  const streamOf = (value: FileStream) => {
    if (typeof value?.stream?.[Symbol.asyncIterator] === 'function') return value.stream;
    throw refusedOutput([{ pointer: '/stream', message: 'must be an AsyncIterable of Uint8Array' }]);
  };
  return {
    ...described(options),
    maxBytes,
    streams: true,
    decode(body, contentType, name) {
      if (essenceOf(contentType) === FORM) {
        const read = (part: Part) => this.decode(part.content, part.contentType, part.filename);
        return readFirstFile(body, contentType, maxBytes, read, true);
      }
      checkType(contentType, options);
      return { stream: bounded(body, maxBytes), ...infoOf(contentType, name) };
    },
    parse: (value) => ({ stream: bounded(wireBytes(value, maxBytes), maxBytes) }),
    encode: streamOf,
    toWire: (value) => collect(streamOf(value), Infinity),
    filename: ({ name }) => name,
  };
}

const SCHEMA = { type: 'string', format: 'binary' };

function described({ mediaTypes = [], contentType = mediaTypes[0] ?? 'application/octet-stream' }: FileOptions) {
  return {
    mediaTypes: mediaTypes.length === 0 ? ['*/*'] : mediaTypes,
    contentType,
    checkType: (type: string | undefined) => {
      if (essenceOf(type) !== FORM) checkType(type, { mediaTypes });
    },
    mayBeEmpty: true,
    jsonSchema: () => SCHEMA,
    example: undefined,
    bentoml: { id: 'bentoml.io.File', args: { kind: 'binaryio', mime_type: mediaTypes[0] ?? null } },
  };
}

function checkType(contentType: string | undefined, { mediaTypes = [] }: FileOptions): void {
  if (mediaTypes.length === 0 || mediaTypes.includes(essenceOf(contentType) ?? '')) return;
  throw unsupportedType(contentType, mediaTypes);
}

/** Without the path that some clients send with the name: it would lead out of where a handler puts the file. */
function infoOf(contentType: string | undefined, name: string | undefined): FileInfo {
  return { contentType, name: name?.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1) };
}

function wireBytes(value: unknown, maxBytes: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw refusedInput([{ pointer: '', message: 'must be a Uint8Array' }]);
  checkSize(value.byteLength, maxBytes);
  return value;
}
