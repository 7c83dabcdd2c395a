import { EkibenError, type Fault } from '@ekiben/spec';

/** Enough to see what is wrong; a thousand bad rows must not become an answer with a thousand faults. */
const MAX_FAULTS = 100;

/** Rows of numbers being filled one after the other, and what is wrong with their sources. */
export class Rows<Data extends Float32Array | Float64Array> {
  readonly #data: Data;
  readonly #width: number;
  readonly #round: (value: number) => number;
  readonly #faults: Fault[] = [];
  #start = 0;
  #pointer = '';

  constructor(data: Data, width: number) {
    this.#data = data;
    this.#width = width;
    this.#round = data instanceof Float32Array ? Math.fround : Number;
  }

  /** Turns to a row; `pointer` says where its source is. */
  begin(row: number, pointer: string): void {
    this.#start = row * this.#width;
    this.#pointer = pointer;
  }

  /** Adds to a column of the row, or to none. Each value is rounded by itself, as NumPy does. */
  add(column: number | undefined, value: number): void {
    if (column === undefined) return;
    const at = this.#start + column;
    this.#data[at] = (this.#data[at] ?? 0) + this.#round(value);
  }

  /** Notes a fault of the row, or of what `path` leads to in it. */
  refuse(path: readonly (string | number)[], message: string): void {
    const steps = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`);
    this.#faults.push({ pointer: this.#pointer + steps.join(''), message });
    if (this.#faults.length >= MAX_FAULTS) this.finish();
  }

  /** @throws EKIBEN_SKLEARN_ROWS when there are faults */
  finish(): Data {
    const [first, ...others] = this.#faults;
    if (first === undefined) return this.#data;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new EkibenError(
      'EKIBEN_SKLEARN_ROWS',
      `The rows cannot be vectorized: ${first.pointer || 'the row'} ${first.message}${more}`,
      { details: { errors: this.#faults } },
    );
  }
}
