// A value of a model document together with where it stands, so that every complaint names the place.
import { EkibenError } from '@ekiben/spec';
import type { Numbers, Value } from './ubjson.ts';

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

  /** A member of an object; one that is not there `exists` not. */
  get(key: string): Field {
    const value = this.value;
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
      throw this.fault('an object');
    }
    const path = this.path === '' ? key : `${this.path}.${key}`;
    return new Field(Object.hasOwn(value, key) ? (value as { readonly [key: string]: Value })[key] : undefined, path);
  }

  list(): Field[] {
    const value = this.value;
    if (!Array.isArray(value) && !ArrayBuffer.isView(value)) throw this.fault('an array');
    return Array.from(value as ArrayLike<Value>, (element, i) => new Field(element, `${this.path}[${i}]`));
  }

  string(): string {
    if (typeof this.value !== 'string') throw this.fault('a string');
    return this.value;
  }

  /** An integer; XGBoost writes its parameters as strings. */
  integer(): number {
    const value = typeof this.value === 'string' ? Number(this.value || NaN) : this.value;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.fault('an integer');
    return value;
  }

  number(): number {
    if (typeof this.value !== 'number') throw this.fault('a number');
    return this.value;
  }

  integers(): Int32Array {
    const numbers = this.numbers();
    if (numbers instanceof Int32Array) return numbers;
    for (let i = 0; i < numbers.length; i++) {
      if ((numbers[i]! | 0) !== numbers[i]) throw this.fault(`an array of 32-bit integers, without ${numbers[i]}`);
    }
    return Int32Array.from(numbers);
  }

  floats(): Float32Array {
    const numbers = this.numbers();
    return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  }

  numbers(): Numbers | readonly number[] {
    const value = this.value;
    if (ArrayBuffer.isView(value)) return value as Numbers;
    if (!Array.isArray(value)) throw this.fault('an array of numbers');
    return value.map((element) => {
      if (typeof element === 'number') return element;
      if (typeof element === 'boolean') return element ? 1 : 0;
      throw this.fault('an array of numbers');
    });
  }

  fault(expected: string): EkibenError {
    return new EkibenError(
      'EKIBEN_XGBOOST_MODEL_INVALID',
      `not a model of XGBoost: ${this.path} ${this.exists ? 'is not' : 'is missing, it should be'} ${expected}`,
      { details: { path: this.path } },
    );
  }
}
