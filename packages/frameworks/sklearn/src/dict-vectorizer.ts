import { EkibenError, type Floats } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { float32s, float64s } from './row-memory.ts';
import { Rows, type FloatArray } from './rows.ts';
import { Vocabulary } from './vocabulary.ts';

export interface DictVectorizerOptions {
  /** The columns in order: `age` for a number, `home=rent` for a string. Each once. */
  readonly featureNames: readonly string[];
  /** Between the name and the string of a feature. @default '=' */
  readonly separator?: string | undefined;
  /** Of the tensors that `transform` makes. @default 'float64' */
  readonly dtype?: 'float32' | 'float64' | undefined;
  /** Whether scikit-learn would make a sparse matrix. `transform` here is dense either way. @default false */
  readonly sparse?: boolean | undefined;
}

/** Faster here than Object.hasOwn: V8 knows that the names of a `for … in` are mostly own. */
const hasOwn = Object.prototype.hasOwnProperty;

/**
 * scikit-learn's `DictVectorizer`, as it transforms: rows of named features to rows of numbers.
 *
 * A number, boolean or bigint goes to the column of its name, `null` (Python's None) likewise as NaN; a string sets the
 * column `name=string` to 1; an array, set or other iterable of strings does so for each. What the vectorizer does not
 * know is ignored, what is absent or undefined is 0, and what meets in one column adds up.
 */
export class DictVectorizer {
  readonly featureNames: readonly string[];
  readonly separator: string;
  readonly dtype: 'float32' | 'float64';
  readonly sparse: boolean;
  readonly #vocabulary: Vocabulary;

  /** @throws EKIBEN_SKLEARN_VECTORIZER when an option is of the wrong type or a feature name stands twice */
  constructor(options: DictVectorizerOptions) {
    const { featureNames, separator = '=', dtype = 'float64', sparse = false } = options;
    check(Array.isArray(featureNames) && featureNames.every(isString), 'featureNames must be an array of strings');
    check(new Set(featureNames).size === featureNames.length, 'a name stands twice in featureNames');
    check(isString(separator), 'separator must be a string');
    check(dtype === 'float32' || dtype === 'float64', 'dtype must be float32 or float64');
    check(typeof sparse === 'boolean', 'sparse must be true or false');
    this.featureNames = Object.freeze([...featureNames]);
    this.separator = separator;
    this.dtype = dtype;
    this.sparse = sparse;
    this.#vocabulary = new Vocabulary(this.featureNames, separator);
  }

  /**
   * One row or many, as a tensor of shape `[rows, featureNames.length]`. A row is a plain object (its own enumerable
   * fields) or a Map.
   * @throws EKIBEN_SKLEARN_ROWS with a JSON pointer to every row or field (to a bound) that is none of the above
   */
  transform(rows: object | readonly object[]): Floats {
    const list: readonly unknown[] = Array.isArray(rows) ? rows : [rows];
    if (list.length === 0) throw new EkibenError('EKIBEN_SKLEARN_ROWS', 'There is no row to vectorize');
    const width = this.featureNames.length;
    const shape = [list.length, width];
    const size = list.length * width;
    const many = list === rows;
    return this.dtype === 'float64'
      ? tensor(this.#fill(new Rows(float64s(size), width, many), list), shape, 'float64')
      : tensor(this.#fill(new Rows(float32s(size), width, many), list), shape, 'float32');
  }

  #fill<Data extends FloatArray>(rows: Rows<Data>, sources: readonly unknown[]): Data {
    for (let index = 0; index < sources.length; index++) {
      const source = sources[index];
      rows.begin(index);
      if (source instanceof Map) {
        for (const [name, value] of source) this.#addFeature(rows, name, value);
      } else if (isRecord(source)) {
        for (const name in source) if (hasOwn.call(source, name)) this.#addFeature(rows, name, source[name]);
      } else {
        rows.refuse([], `must be a plain object or a Map, not ${kindOf(source)}`);
      }
    }
    return rows.finish();
  }

  #addFeature(rows: Rows<FloatArray>, name: unknown, value: unknown): void {
    if (!isString(name)) return rows.refuse([], `must have strings as keys, not ${kindOf(name)}`);
    if (isString(value)) return rows.add(this.#vocabulary.oneHot(name, value), 1);
    if (typeof value === 'number') return rows.add(this.#vocabulary.numeric(name), value);
    if (typeof value === 'boolean' || typeof value === 'bigint') {
      return rows.add(this.#vocabulary.numeric(name), Number(value));
    }
    if (value === null) return rows.add(this.#vocabulary.numeric(name), NaN);
    if (value === undefined) return;
    if (!isIterable(value)) {
      return rows.refuse([name], `must be a number, a string, a list of strings or null, not ${kindOf(value)}`);
    }
    let index = 0;
    for (const item of value) {
      if (isString(item)) rows.add(this.#vocabulary.oneHot(name, item), 1);
      else rows.refuse([name, index], `must be a string, as all values in a list must be, not ${kindOf(item)}`);
      index++;
    }
  }
}

/** @throws EKIBEN_SKLEARN_VECTORIZER */
export function invalid(message: string): never {
  throw new EkibenError('EKIBEN_SKLEARN_VECTORIZER', `The DictVectorizer cannot be used: ${message}`);
}

function check(holds: boolean, message: string): void {
  if (!holds) invalid(message);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** A Map is iterable too, but scikit-learn takes no mapping as a value. */
function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value && !(value instanceof Map);
}

/**
 * An object with fields, or an empty plain one: a Promise or a Set, which have none, must not pass for a row of zeros.
 */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Object.keys(value).length > 0) return true;
  return Object.getPrototypeOf(prototype) === null; // a plain object of another realm
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
