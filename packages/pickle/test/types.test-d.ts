import type { PickleNode } from '@ekiben/spec';
import { isPickleObject, readPickle, type PickleLimits } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

declare const bytes: Uint8Array;
const node = readPickle(bytes, { maxBytes: 10, maxDepth: undefined });
yes<Equal<typeof node, PickleNode>>();
if (isPickleObject(node)) yes<Equal<typeof node.class, string>>();
export const limits: Partial<PickleLimits> = { maxNodes: 5 };
readPickle(bytes, limits);
// @ts-expect-error the name is maxBytes
readPickle(bytes, { maxByte: 1 });
