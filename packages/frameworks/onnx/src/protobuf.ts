// The wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding/), as far as looking into an ONNX file and
// leaving parts of it out need it: no schema, nothing copied.
import { invalidModel } from './fault.ts';

export interface Field {
  readonly number: number;
  /** Of a number; 0 for others. */
  readonly value: bigint;
  /** Of a string, a message or packed numbers; empty for others. */
  readonly bytes: Uint8Array;
  /** All of it, with its tag: what copies it to another message. */
  readonly raw: Uint8Array;
}

const EMPTY = new Uint8Array();
const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/** The fields of a message, in their order. @throws EKIBEN_ONNX_MODEL_INVALID where the bytes are no message */
export function* fieldsOf(message: Uint8Array): Generator<Field, void> {
  const cursor = new Cursor(message);
  while (cursor.at < message.length) {
    const start = cursor.at;
    const tag = Number(cursor.varint());
    let value = 0n;
    let bytes: Uint8Array = EMPTY;
    if ((tag & 7) === WIRE.varint) value = cursor.varint();
    else if ((tag & 7) === WIRE.lengthDelimited) bytes = cursor.take(Number(cursor.varint()));
    else if ((tag & 7) === WIRE.fixed64) cursor.take(8);
    else if ((tag & 7) === WIRE.fixed32) cursor.take(4);
    else throw malformed(`wire type ${tag & 7} at byte ${start}`);
    yield { number: tag >>> 3, value, bytes, raw: message.subarray(start, cursor.at) };
  }
}

/** A repeated int64, packed or not. */
export function integersOf(field: Field): bigint[] {
  if (field.bytes.length === 0) return [BigInt.asIntN(64, field.value)];
  const cursor = new Cursor(field.bytes);
  const integers: bigint[] = [];
  while (cursor.at < field.bytes.length) integers.push(BigInt.asIntN(64, cursor.varint()));
  return integers;
}

const utf8 = new TextDecoder();
export const textOf = (field: Field): string => utf8.decode(field.bytes);

/** A field that holds these bytes. */
export function lengthDelimited(number: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint((number << 3) | WIRE.lengthDelimited), varint(bytes.length), bytes]);
}

/** A field that holds a number below 2 ** 31. */
export function numberField(number: number, value: number): Uint8Array {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

const MAX_VARINT_BYTES = 10;

class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  varint(): bigint {
    const first = this.#bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at++;
      return BigInt(first);
    }
    let value = 0n;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw malformed('the file ends inside a number');
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed(`a number of more than ${MAX_VARINT_BYTES} bytes`);
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.#bytes.length) throw malformed(`${length} bytes wanted at byte ${this.at}, where it ends early`);
    const bytes = this.#bytes.subarray(this.at, end);
    this.at = end;
    return bytes;
  }
}

const malformed = (fault: string) => invalidModel(`this is no ONNX model, or a damaged one: ${fault}`);
