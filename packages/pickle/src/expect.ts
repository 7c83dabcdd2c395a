// What codecs ask of a node. Every refusal names what is there instead.
import { EkibenError, type PickleNode, type PickleObject } from '@ekiben/spec';
import { isObject } from './machine.ts';

/**
 * The node as an object of one of `classes`.
 * @throws EKIBEN_PICKLE_CLASS_NOT_ALLOWED, naming the class or kind of value that is there instead
 */
export function expectObject(node: PickleNode, classes: readonly string[]): PickleObject {
  if (isObject(node) && classes.includes(node.class)) return node;
  throw new EkibenError(
    'EKIBEN_PICKLE_CLASS_NOT_ALLOWED',
    `The pickle holds ${describe(node)}, where only ${classes.join(' or ')} can be read`,
    { details: { expected: classes, found: isObject(node) ? node.class : null } },
  );
}

/** What the node is, in Python's words: `a dict`, `an object of os.system`. */
export function describe(node: PickleNode): string {
  if (node === null) return 'None';
  if (typeof node !== 'object') return scalars[typeof node as keyof typeof scalars];
  if (node instanceof Uint8Array) return 'bytes';
  if (node instanceof Map) return 'a dict';
  if (node instanceof Set) return 'a set';
  if (Array.isArray(node)) return 'a list or tuple';
  return `an object of ${(node as PickleObject).class}`;
}

const scalars = { boolean: 'a bool', number: 'a number', bigint: 'an int', string: 'a str' } as const;
