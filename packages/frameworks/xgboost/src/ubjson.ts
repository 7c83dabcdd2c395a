// UBJSON (draft 12) as XGBoost writes it: objects, arrays with a count, and arrays of one number type; numbers are big-endian.
import { EkibenError } from '@ekiben/spec';
import { MAX_DEPTH, MAX_VALUES } from './limits.ts';

/** Numbers of one type. int64 becomes float64. */
export type Numbers = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

export type Value = null | boolean | number | string | Numbers | readonly Value[] | { readonly [key: string]: Value };

interface NumberType {
  readonly size: number;
  readonly Array: new (length: number) => Numbers;
  read(view: DataView, at: number): number;
}

const int64: NumberType = { size: 8, Array: Float64Array, read: (view, at) => Number(view.getBigInt64(at)) };
const numberTypes: ReadonlyMap<string, NumberType> = new Map<string, NumberType>([
  ['i', { size: 1, Array: Int8Array, read: (view, at) => view.getInt8(at) }],
  ['U', { size: 1, Array: Uint8Array, read: (view, at) => view.getUint8(at) }],
  ['I', { size: 2, Array: Int16Array, read: (view, at) => view.getInt16(at) }],
  ['l', { size: 4, Array: Int32Array, read: (view, at) => view.getInt32(at) }],
  ['L', int64],
  ['d', { size: 4, Array: Float32Array, read: (view, at) => view.getFloat32(at) }],
  ['D', { size: 8, Array: Float64Array, read: (view, at) => view.getFloat64(at) }],
]);

/** @throws EKIBEN_XGBOOST_UBJSON naming the offset of what cannot be read */
export function decodeUbjson(bytes: Uint8Array): Value {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text = new TextDecoder('utf-8', { fatal: true });
  #at = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth: number): Value {
    if (++this.#values > MAX_VALUES) throw this.#error(`it has more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw this.#error(`it has more than ${MAX_DEPTH} levels`);
    const marker = this.#marker();
    if (marker === '{') return this.#object(depth);
    if (marker === '[') return this.#array(depth);
    if (marker === 'S') return this.#string();
    if (marker === 'Z') return null;
    if (marker === 'T' || marker === 'F') return marker === 'T';
    return this.#number(this.#type(marker));
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw this.#error(`${this.#bytes.length - this.#at} bytes follow its end`);
  }

  #object(depth: number): Value {
    const object: { [key: string]: Value } = Object.create(null);
    while (!this.#skip('}')) {
      const key = this.#string();
      if (key in object) throw this.#error(`the key '${key.slice(0, 100)}' occurs twice`);
      object[key] = this.value(depth + 1);
    }
    return object;
  }

  #array(depth: number): Value {
    if (this.#skip('$')) {
      const type = this.#type(this.#marker());
      if (!this.#skip('#')) throw this.#error('a typed array has no count');
      return this.#numbers(type, this.#length());
    }
    const array: Value[] = [];
    if (this.#skip('#')) {
      for (let left = this.#length(); left > 0; left--) array.push(this.value(depth + 1));
    } else {
      while (!this.#skip(']')) array.push(this.value(depth + 1));
    }
    return array;
  }

  #numbers(type: NumberType, count: number): Numbers {
    const at = this.#take(count * type.size);
    const numbers = new type.Array(count);
    for (let i = 0; i < count; i++) numbers[i] = this.#read(type, at + i * type.size);
    return numbers;
  }

  #number(type: NumberType): number {
    return this.#read(type, this.#take(type.size));
  }

  #read(type: NumberType, at: number): number {
    const number = type.read(this.#view, at);
    if (type === int64 && !Number.isSafeInteger(number))
      throw this.#error(`${number} is no integer that a double holds`);
    return number;
  }

  #string(): string {
    const length = this.#length();
    const at = this.#take(length);
    try {
      return this.#text.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw this.#error('a string is not UTF-8');
    }
  }

  #length(): number {
    const length = this.#number(this.#type(this.#marker()));
    if (Number.isInteger(length) && length >= 0) return length;
    throw this.#error(`${length} is no length`);
  }

  #marker(): string {
    return String.fromCharCode(this.#view.getUint8(this.#take(1)));
  }

  #type(marker: string): NumberType {
    const type = numberTypes.get(marker);
    if (type !== undefined) return type;
    throw this.#error(`'${marker}' is no marker that XGBoost writes there`);
  }

  #skip(marker: string): boolean {
    const found = this.#bytes[this.#at] === marker.charCodeAt(0);
    if (found) this.#at++;
    return found;
  }

  /** Where the next `count` bytes start; they are there. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw this.#error(`it ends where ${count} more bytes should be`);
    this.#at += count;
    return at;
  }

  #error(message: string): EkibenError {
    return new EkibenError('EKIBEN_XGBOOST_UBJSON', `not a UBJSON model, at byte ${this.#at}: ${message}`);
  }
}
