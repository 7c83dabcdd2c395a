import { EkibenError, type Fault } from '@ekiben/spec';

/** Enough to see what is wrong; a thousand bad rows must not become an answer with a thousand faults. */
const MAX_FAULTS = 100;

/** Characters of a pointer in the message: its names are the client's. */
const MAX_SHOWN = 200;

export type FloatArray = Float32Array | Float64Array;

/** Rows of numbers being filled one after the other, and what is wrong with their sources. */
export class Rows<Data extends FloatArray> {
  readonly #data: Data;
  readonly #width: number;
  readonly #single: boolean;
  readonly #many: boolean;
  readonly #faults: Fault[] = [];
  #row = 0;

  /** @param many - whether the source is an array of rows, so that a pointer starts with the index of the row */
  constructor(data: Data, width: number, many: boolean) {
    this.#data = data;
    this.#width = width;
    this.#many = many;
    this.#single = data instanceof Float32Array;
  }

  begin(row: number): void {
    this.#row = row;
  }

  /** Adds to a column of the row, or to none. Each value is rounded by itself, as NumPy does. */
  add(column: number | undefined, value: number): void {
    if (column === undefined) return;
    const at = this.#row * this.#width + column;
    this.#data[at] = (this.#data[at] ?? 0) + (this.#single ? Math.fround(value) : value);
  }

  /** Notes a fault of the row, or of what `path` leads to in it. */
  refuse(path: readonly (string | number)[], message: string): void {
    const steps = this.#many ? [this.#row, ...path] : path;
    const pointer = steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    this.#faults.push({ pointer, message });
    if (this.#faults.length >= MAX_FAULTS) this.finish();
  }

  /** @throws EKIBEN_SKLEARN_ROWS when there are faults */
  finish(): Data {
    const [first, ...others] = this.#faults;
    if (first === undefined) return this.#data;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new EkibenError(
      'EKIBEN_SKLEARN_ROWS',
      `The rows cannot be vectorized: ${first.pointer.slice(0, MAX_SHOWN) || 'the row'} ${first.message}${more}`,
      { details: { errors: this.#faults } },
    );
  }
}
