// When two results are the same: equal dtypes, shapes and keys, and numbers to the bit or to a tolerance.
import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { isTensor } from '@ekiben/tensor';

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** @throws an AssertionError that says where the first difference is */
export function requireSame(actual: unknown, expected: unknown, tolerance: number, where = 'the result'): void {
  if (isTensor(expected)) {
    if (!isTensor(actual)) throw different(actual, expected, where);
    requireSame(actual.dtype, expected.dtype, 0, `${where}.dtype`);
    requireSame(actual.shape, expected.shape, 0, `${where}.shape`);
    requireSame([...actual.data], [...expected.data], tolerance, `${where}.data`);
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) throw different(actual, expected, where);
    requireSame(actual.length, expected.length, 0, `${where}.length`);
    expected.forEach((each, i) => requireSame(actual[i], each, tolerance, `${where}[${i}]`));
  } else if (isRecord(expected)) {
    if (!isRecord(actual)) throw different(actual, expected, where);
    requireSame(Object.keys(actual).sort(), Object.keys(expected).sort(), 0, `the keys of ${where}`);
    for (const key of Object.keys(expected)) requireSame(actual[key], expected[key], tolerance, `${where}.${key}`);
  } else if (!isNear(actual, expected, tolerance)) {
    throw different(actual, expected, where);
  }
}

const isNear = (a: unknown, b: unknown, tolerance: number): boolean =>
  Object.is(a, b) || (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= tolerance);

function different(actual: unknown, expected: unknown, where: string): AssertionError {
  const message = `${where} is ${inspect(actual)}, but should be ${inspect(expected)}`;
  return new AssertionError({ message, actual, expected });
}
