// Tensors of any dtype and shape for property tests, and a form in which two are equal only when every bit is.
import fc from 'fast-check';
import type { DType, Scalar, Tensor } from '@ekiben/spec';
import { sizeOf, tensor } from '../src/index.ts';
import type { DenseTensor } from '../src/index.ts';

const scalars: { readonly [D in DType]: fc.Arbitrary<Scalar<D>> } = {
  float16: fc.float(),
  float32: fc.float(),
  float64: fc.double(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint8: fc.integer({ min: 0, max: 255 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  bool: fc.boolean(),
  string: fc.string({
    unit: fc.oneof(fc.constantFrom('\0', '\ud800', '😀'), fc.string({ unit: 'binary', maxLength: 1 })),
  }),
};
export const dtypes = Object.keys(scalars) as DType[];

export const shapes = (constraints: { minLength?: number } = {}): fc.Arbitrary<number[]> =>
  fc.array(fc.nat({ max: 4 }), { maxLength: 4, ...constraints });

export const tensorOf = <D extends DType>(dtype: D, shape: readonly number[]): fc.Arbitrary<DenseTensor<D>> => {
  const size = sizeOf(shape);
  return fc
    .array(scalars[dtype] as fc.Arbitrary<Scalar<D>>, { minLength: size, maxLength: size })
    .map((values) => tensor(values, shape, dtype));
};

export const anyTensor: fc.Arbitrary<DenseTensor> = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: shapes() })
  .chain(({ dtype, shape }) => tensorOf(dtype, shape));

/** NaN equals NaN here, and 0 is not -0. */
export function bits({ dtype, shape, data }: Tensor) {
  const numbers = Array.isArray(data) ? data : [...new Uint8Array((data as Uint8Array).slice().buffer)];
  return { dtype, shape, bits: numbers };
}
