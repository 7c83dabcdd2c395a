import type { Floats, Scalar, Tensor } from '@ekiben/spec';
import { concat, decodeNpy, fromNested, fromWire, split, tensor, tensorHeader, toNested } from '../src/index.ts';
import type { DenseTensor, Nested } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

const floats = tensor(new Float32Array(2), [1, 2], 'float32');
yes<Equal<typeof floats, DenseTensor<'float32'>>>();
export const asFloats: Floats = floats;
export const asAny: Tensor = floats;

const item = floats.item(0);
yes<Equal<typeof item, number>>();
const big = tensor([1n], [1], 'int64').item(0);
yes<Equal<typeof big, bigint>>();

// @ts-expect-error the storage of float64 is a Float64Array
tensor(new Float32Array(2), [2], 'float64');
// @ts-expect-error the elements of int64 are bigints
tensor([1], [1], 'int64');

const joined = concat([floats, floats]);
yes<Equal<typeof joined, Tensor<'float32'>>>();
const parts = split(floats, [1]);
yes<Equal<typeof parts, DenseTensor<'float32'>[]>>();

const typed = fromNested([[1], [2]], 'float32');
yes<Equal<typeof typed, DenseTensor<'float32'>>>();
const guessed = fromNested([[1], [2]]);
yes<Equal<typeof guessed, DenseTensor>>();
const nested = toNested(typed);
yes<Equal<typeof nested, Nested<Scalar<'float32'>>>>();

const received = fromWire(tensorHeader(floats), new Uint8Array(8));
yes<Equal<typeof received, DenseTensor<'float32'>>>();
const read = decodeNpy(new Uint8Array());
yes<Equal<typeof read, DenseTensor>>();
