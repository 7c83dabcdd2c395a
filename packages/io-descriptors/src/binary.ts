/** Files of a kind, read and written as a whole: what {@link image} is made of, and descriptors of media types that are not here. */
import { collect } from './body.ts';
import type { BentomlDescriptor, Descriptor } from './descriptor.ts';
import { refusedInput } from './faults.ts';
import { FORM, readFirstFile } from './form.ts';
import { DEFAULT_MAX_BYTES } from './limits.ts';
import { essenceOf, unsupportedType } from './media-type.ts';

export interface BinaryOptions<Value> {
  /** What may come, in lower case. `application/octet-stream`, and no type at all, are taken for any of them. */
  readonly mediaTypes: readonly string[];
  /** The `Content-Type` of what `write` makes. @default the first of `mediaTypes` */
  readonly contentType?: string | undefined;
  /** The largest body, in bytes, that is read. @default 16 MiB */
  readonly maxBytes?: number | undefined;
  /**
   * Makes a value of the bytes, which may be anything.
   * @throws refusedInput
   */
  read(bytes: Uint8Array): Value | Promise<Value>;
  /**
   * Makes bytes of what a handler returned.
   * @throws refusedOutput
   */
  readonly write: (value: Value) => Uint8Array | Promise<Uint8Array>;
  /** BentoML's descriptor that does the same. @default none does */
  readonly bentoml?: BentomlDescriptor | undefined;
}

/**
 * A file of a kind as the whole body, or as the first file of a form (`multipart/form-data`), as `curl -F` and
 * `requests.post(files=…)` send it.
 *
 * @example
 * binary({ mediaTypes: ['audio/l16'], read: (bytes) => samplesIn(bytes), write: (samples) => bytesOf(samples) })
 */
export function binary<Value>(options: BinaryOptions<Value>): Descriptor<Uint8Array, Value> {
  const { mediaTypes, contentType = mediaTypes[0] ?? ANY, maxBytes = DEFAULT_MAX_BYTES, write, bentoml } = options;
  const checkType = (type: string | undefined) => {
    const essence = essenceOf(type);
    if (essence === undefined || essence === ANY || essence === FORM || mediaTypes.includes(essence)) return;
    throw unsupportedType(type, mediaTypes);
  };
  return {
    mediaTypes,
    contentType,
    maxBytes,
    checkType,
    async decode(body, type) {
      checkType(type);
      if (essenceOf(type) !== FORM) return options.read(await collect(body, maxBytes));
      return readFirstFile(body, type, maxBytes, (part) => this.decode(part.content, part.contentType));
    },
    parse(value) {
      if (value instanceof Uint8Array) return options.read(value);
      throw refusedInput([{ pointer: '', message: `must be the bytes of ${mediaTypes.join(', ')}` }]);
    },
    encode: write,
    toWire: write,
    jsonSchema: () => ({ type: 'string', format: 'binary' }),
    example: undefined,
    bentoml,
  };
}

const ANY = 'application/octet-stream';
