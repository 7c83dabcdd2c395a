import { EkibenError } from '@ekiben/spec';
import type { Numbers, Value } from './ubjson.ts';

/** A value of a model document and where it stands, so that a complaint names the place. */
export class Field {
  readonly value: Value | undefined;
  readonly path: string;

  constructor(value: Value | undefined, path: string) {
    this.value = value;
    this.path = path;
  }

  get exists(): boolean {
    return this.value !== undefined;
  }

  /** The names of an object's members. */
  keys(): string[] {
    return Object.keys(this.#object());
  }

  /** A member of an object; `exists` is false where there is none. */
  get(key: string): Field {
    const object = this.#object();
    return new Field(
      Object.hasOwn(object, key) ? object[key] : undefined,
      this.path === '' ? key : `${this.path}.${key}`,
    );
  }

  list(): Field[] {
    if (!isList(this.value)) throw this.fault('an array');
    return Array.from(this.value, (element: Value, i) => new Field(element, `${this.path}[${i}]`));
  }

  /** This list, if it has so many elements. */
  ofLength(length: number): Field {
    if (isList(this.value) && this.value.length === length) return this;
    throw this.fault(`an array of ${length} elements`);
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.fault('a string');
    return this.value;
  }

  /** An integer. XGBoost writes its parameters as strings. */
  integer(): number {
    const value = typeof this.value === 'string' && this.value !== '' ? Number(this.value) : this.value;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.fault('an integer');
    return value;
  }

  integers(): Int32Array {
    if (this.value instanceof Int32Array) return this.value;
    const numbers = this.numbers();
    const integers = Int32Array.from(numbers);
    if (integers.some((integer, i) => integer !== numbers[i])) throw this.fault('an array of 32-bit integers');
    return integers;
  }

  floats(): Float32Array {
    return this.value instanceof Float32Array ? this.value : Float32Array.from(this.numbers());
  }

  numbers(): Numbers | readonly number[] {
    const value = this.value;
    if (isList(value) && !Array.isArray(value)) return value as Numbers;
    return this.list().map((element) => {
      if (typeof element.value === 'number') return element.value;
      if (element.value === null) return NaN; // JSON has no other way to say it
      if (typeof element.value === 'boolean') return Number(element.value);
      throw element.fault('a number');
    });
  }

  fault(expected: string): EkibenError {
    return new EkibenError(
      'EKIBEN_XGBOOST_MODEL_INVALID',
      this.exists
        ? `not a model of XGBoost: ${this.path || 'the document'} should be ${expected}`
        : `not a model of XGBoost: ${this.path} is missing; it should be ${expected}`,
      { details: { path: this.path } },
    );
  }

  #object(): { readonly [key: string]: Value } {
    const value = this.value;
    if (typeof value === 'object' && value !== null && !isList(value)) return value;
    throw this.fault('an object');
  }
}

function isList(value: Value | undefined): value is Numbers | readonly Value[] {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
