import type { DType } from '@ekiben/spec';
import type { JsonSchema } from './json-schema.ts';

const integer = (minimum: number, maximum: number): JsonSchema => ({ type: 'integer', minimum, maximum });
/** `null` stands for NaN. */
const FLOAT: JsonSchema = { type: 'number', nullable: true };

/** An element of each dtype in JSON, in the dialect of OpenAPI 3.0. Of 64 bits, those are taken that a JSON parser does not round. */
export const DTYPE_SCHEMAS: { readonly [D in DType]: JsonSchema } = {
  float16: FLOAT,
  float32: FLOAT,
  float64: FLOAT,
  int8: integer(-(2 ** 7), 2 ** 7 - 1),
  int16: integer(-(2 ** 15), 2 ** 15 - 1),
  int32: integer(-(2 ** 31), 2 ** 31 - 1),
  int64: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  uint8: integer(0, 2 ** 8 - 1),
  uint16: integer(0, 2 ** 16 - 1),
  uint32: integer(0, 2 ** 32 - 1),
  uint64: integer(0, Number.MAX_SAFE_INTEGER),
  bool: { type: 'boolean' },
  string: { type: 'string' },
};
