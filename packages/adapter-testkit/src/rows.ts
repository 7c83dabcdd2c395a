// Arguments and results cut into rows and joined again, as a runner does it: tensors alone or in a record, and lists.
import type { Tensor } from '@ekiben/spec';
import { concat, isTensor, split } from '@ekiben/tensor';
import { isRecord } from './same.ts';

/** How many rows a value has along an axis; 0 for what has none. */
export function rowsOf(value: unknown, axis: number): number {
  if (isTensor(value)) return value.shape.at(axis) ?? 0;
  if (Array.isArray(value)) return value.length;
  return isRecord(value) ? Math.max(0, ...Object.values(value).map((each) => rowsOf(each, axis))) : 0;
}

/** A value as its single rows; what has none (options) goes with each of them. */
export function cut(value: unknown, rows: number, axis: number): unknown[] {
  if (isTensor(value)) {
    return split(
      value,
      Array.from({ length: rows }, () => 1),
      axis,
    );
  }
  if (Array.isArray(value)) return value.map((each: unknown) => [each]);
  if (!isRecord(value)) return Array.from({ length: rows }, () => value);
  const cuts = Object.entries(value).map(([key, each]) => [key, cut(each, rows, axis)] as const);
  return Array.from({ length: rows }, (_, i) => Object.fromEntries(cuts.map(([key, parts]) => [key, parts[i]])));
}

export function join(parts: readonly unknown[], axis: number): unknown {
  const [first] = parts;
  if (isTensor(first)) return concat(parts as readonly Tensor[], axis);
  if (Array.isArray(first)) return parts.flat(1);
  if (!isRecord(first)) return first;
  const partsOf = (key: string) => parts.map((part) => (part as Readonly<Record<string, unknown>>)[key]);
  return Object.fromEntries(Object.keys(first).map((key) => [key, join(partsOf(key), axis)]));
}
