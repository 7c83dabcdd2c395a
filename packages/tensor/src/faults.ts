import { EkibenError } from '@ekiben/spec';
import type { Fault } from '@ekiben/spec';
import { MAX_FAULTS } from './limits.ts';

/** What does not fit in an array, nested or flat, each by its JSON pointer; {@link full} after enough of them. */
export class FaultList {
  /** The index at each level, as the reader goes along; a pointer is made of it only when there is a fault. */
  readonly path: number[] = [];
  readonly #faults: Fault[] = [];

  get full(): boolean {
    return this.#faults.length >= MAX_FAULTS;
  }

  /** A fault at the first `depth` indices of the path. */
  add(depth: number, message: string): void {
    const indices = this.path.slice(0, depth);
    this.#faults.push({ pointer: indices.map((index) => `/${index}`).join(''), message });
  }

  /** @throws EKIBEN_TENSOR_VALUE */
  throwIfAny(): void {
    const [first, ...others] = this.#faults;
    if (first === undefined) return;
    const where = first.pointer === '' ? '' : `at ${first.pointer}: `;
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new EkibenError('EKIBEN_TENSOR_VALUE', `${where}${first.message}${more}`, {
      details: { errors: this.#faults },
    });
  }
}

/** Tells a number, whose digits matter, but echoes no text. */
export function refusal(expected: string, value: unknown): string {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  return `expected ${expected}, got ${isNumber ? String(value).slice(0, 50) : kind(value)}`;
}

function kind(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? `an array of ${value.length}` : typeof value;
}
