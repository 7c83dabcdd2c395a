/** Nested arrays with the numbers that JSON does not have. */
import type { Tensor } from '@ekiben/spec';

/** No tensor has more axes; arrays that nest deeper are left to whoever refuses them. */
const MAX_RANK = 64;

export const nullToNaN = (nested: unknown): unknown => replace(nested, (value) => (value === null ? NaN : value));
export const naNToNull = (nested: unknown): unknown => replace(nested, (value) => (Number.isNaN(value) ? null : value));

/** Replaces elements: what stands as deep as the first one. Only arrays in which something is replaced are copied. */
function replace(nested: unknown, element: (value: unknown) => unknown): unknown {
  let rank = 0;
  for (let first = nested; Array.isArray(first); first = first[0]) rank++;
  if (rank === 0 || rank > MAX_RANK) return nested;
  const walk = (value: unknown, depth: number): unknown => {
    if (depth === rank) return element(value);
    if (!Array.isArray(value)) return value;
    let copy: unknown[] | undefined;
    for (let i = 0; i < value.length; i++) {
      const before: unknown = value[i];
      const after = walk(before, depth + 1);
      if (!Object.is(after, before)) (copy ??= [...(value as unknown[])])[i] = after;
    }
    return copy ?? value;
  };
  return walk(nested, 0);
}

/** A tensor as JSON text. */
export function nestedText(tensor: Tensor): string {
  const { shape } = tensor;
  let index = 0;
  const build = (axis: number): string => {
    if (axis === shape.length) return elementText(tensor.item(index++));
    const parts: string[] = [];
    for (let i = 0; i < (shape[axis] ?? 0); i++) parts.push(build(axis + 1));
    return `[${parts.join(',')}]`;
  };
  return build(0);
}

/** Infinity as a number that every parser rounds to it; the digits of a bigint as they are. */
function elementText(element: number | bigint | boolean | string): string {
  if (typeof element === 'string') return JSON.stringify(element);
  if (typeof element !== 'number') return String(element);
  if (Number.isFinite(element)) return Object.is(element, -0) ? '-0.0' : String(element);
  if (Number.isNaN(element)) return 'null';
  return element > 0 ? '1e999' : '-1e999';
}
