export type { PickleNode, PickleObject } from '@ekiben/spec';
export { className, describeNode, expectObject } from './expect.ts';
export { defaultLimits, type PickleLimitOptions, type PickleLimits } from './limits.ts';
export { isPickleObject } from './machine.ts';
export { readPickle } from './reader.ts';
