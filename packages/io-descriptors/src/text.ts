/** Plain text. BentoML's `Text`. */
import type { Descriptor } from './descriptor.ts';
import { readWhole } from './body.ts';
import { refusedInput, refusedOutput } from './faults.ts';
import { DEFAULT_MAX_TEXT_BYTES } from './limits.ts';
import { checkTextType } from './media-type.ts';

export interface TextOptions {
  /** The `Content-Type` of what `encode` makes. @default 'text/plain; charset=utf-8' */
  readonly contentType?: `text/${string}` | undefined;
  /** The longest text, in UTF-16 units, that is taken. @default no bound but `maxBytes` */
  readonly maxLength?: number | undefined;
  /** What the documentation fills in. @default 'string' */
  readonly example?: string | undefined;
  /** The largest body, in bytes, that is read. @default 1 MiB */
  readonly maxBytes?: number | undefined;
}

/**
 * Text in UTF-8, of any `text/…` type; nothing of it is changed, a byte order mark stays. A body that is not UTF-8 is refused.
 *
 * @example
 * text({ example: 'Not for nothing did Orin say that people outdoors' })
 */
export function text(options: TextOptions = {}): Descriptor<string, string> {
  const { contentType = 'text/plain; charset=utf-8', maxLength = Infinity, example = 'string' } = options;
  const { maxBytes = DEFAULT_MAX_TEXT_BYTES } = options;
  const schema = { type: 'string', ...(maxLength < Infinity && { maxLength }) };
  const parse = (value: unknown): string => {
    if (typeof value !== 'string') throw refusedInput([{ pointer: '', message: 'must be text' }]);
    if (value.length <= maxLength) return value;
    throw refusedInput([{ pointer: '', message: `must have at most ${maxLength} characters, not ${value.length}` }]);
  };
  const toWire = (value: string): string => {
    if (typeof value === 'string') return value;
    throw refusedOutput([{ pointer: '', message: 'must be text' }]);
  };
  return {
    mediaTypes: ['text/plain'],
    contentType,
    maxBytes,
    mayBeEmpty: true,
    checkType: checkTextType,
    decode(body, type) {
      checkTextType(type);
      return readWhole(body, maxBytes, (bytes) => parse(decodeUtf8(bytes)));
    },
    parse,
    encode: toWire,
    toWire,
    jsonSchema: () => schema,
    example,
    bentoml: { id: 'bentoml.io.Text' },
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @throws EKIBEN_INVALID_INPUT */
function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw refusedInput([{ pointer: '', message: 'must be UTF-8' }]);
  }
}
