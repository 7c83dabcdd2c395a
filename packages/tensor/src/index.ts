export { float16ToNumber, numberToFloat16 } from './float16.ts';
export { concat, split } from './join.ts';
export { fromNested, toNested } from './nested.ts';
export type { Nested } from './nested.ts';
export { decodeNpy, encodeNpy } from './npy.ts';
export { DenseTensor, sizeOf, tensor } from './tensor.ts';
export { fromWire, tensorBytes, tensorHeader } from './wire.ts';
export type { TensorHeader } from './wire.ts';
