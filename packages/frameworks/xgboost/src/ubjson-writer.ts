// Writes a model that was JSON as UBJSON, giving its arrays the types that XGBoost's own writer does (tree_model.cc,
// gblinear_model.cc, json.cc): its reader asks for them.
import type { JsonValue } from './document.ts';

type NumberType = 'i' | 'U' | 'I' | 'l' | 'L' | 'd' | 'D';

const arrayTypes: ReadonlyMap<string, NumberType> = new Map<string, NumberType>([
  ['base_weights', 'd'],
  ['categories', 'l'],
  ['categories_nodes', 'l'],
  ['categories_segments', 'L'],
  ['categories_sizes', 'L'],
  ['default_left', 'U'],
  ['leaf_weights', 'd'],
  ['left_children', 'l'],
  ['loss_changes', 'd'],
  ['parents', 'l'],
  ['right_children', 'l'],
  ['split_conditions', 'd'],
  ['split_indices', 'l'],
  ['split_type', 'U'],
  ['sum_hessian', 'd'],
  ['weights', 'd'],
]);

/** An untyped list whose elements are floats even where they are whole numbers. */
const FLOAT_LIST = 'weight_drop';

export function encodeModel(document: JsonValue): Uint8Array {
  const writer = new Writer();
  writer.value(document, '');
  return writer.bytes();
}

class Writer {
  readonly #text = new TextEncoder();
  #bytes = new Uint8Array(2 ** 16);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  /** `key` is the name of the member that the value, or the list it is in, belongs to. */
  value(value: JsonValue, key: string): void {
    if (value === null) return this.#marker('Z');
    if (typeof value === 'boolean') return this.#marker(value ? 'T' : 'F');
    if (typeof value === 'number') return this.#number(value, key === FLOAT_LIST ? 'd' : narrowest(value));
    if (typeof value === 'string') {
      this.#marker('S');
      return this.#string(value);
    }
    if (isList(value)) return this.#list(value, key);
    this.#marker('{');
    for (const [name, member] of Object.entries(value)) {
      this.#string(name);
      this.value(member, name);
    }
    return this.#marker('}');
  }

  #list(list: readonly JsonValue[], key: string): void {
    const type = arrayTypes.get(key);
    this.#marker('[');
    if (type !== undefined) {
      this.#marker('$');
      this.#marker(type);
    }
    this.#marker('#');
    this.#number(list.length, 'L');
    for (const element of list) {
      if (type === undefined) this.value(element, key);
      else this.#payload(element === null ? NaN : Number(element), type); // see parseJson
    }
  }

  #string(text: string): void {
    const bytes = this.#text.encode(text);
    this.#number(bytes.length, 'L');
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #number(value: number, type: NumberType): void {
    this.#marker(type);
    this.#payload(value, type);
  }

  #payload(value: number, type: NumberType): void {
    this.#reserve(8);
    this.#at += put[type](this.#view, this.#at, value);
  }

  #marker(marker: string): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = marker.charCodeAt(0);
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Each writes a number and returns how many bytes it took. */
const put: Readonly<Record<NumberType, (view: DataView, at: number, value: number) => number>> = {
  i: (view, at, value) => (view.setInt8(at, value), 1),
  U: (view, at, value) => (view.setUint8(at, value), 1),
  I: (view, at, value) => (view.setInt16(at, value), 2),
  l: (view, at, value) => (view.setInt32(at, value), 4),
  L: (view, at, value) => (view.setBigInt64(at, BigInt(value)), 8),
  d: (view, at, value) => (view.setFloat32(at, value), 4),
  D: (view, at, value) => (view.setFloat64(at, value), 8),
};

function narrowest(value: number): NumberType {
  if (!Number.isInteger(value)) return Math.fround(value) === value ? 'd' : 'D';
  if ((value << 24) >> 24 === value) return 'i';
  if ((value << 16) >> 16 === value) return 'I';
  return (value | 0) === value ? 'l' : 'L';
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
