export type { PickleNode, PickleObject } from '@ekiben/spec';
export { describe, expectObject } from './expect.ts';
export { defaultLimits, type PickleLimits } from './limits.ts';
export { isObject } from './machine.ts';
export { readPickle } from './reader.ts';
