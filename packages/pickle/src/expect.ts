// What codecs ask of a node. Every refusal names what is there instead.
import { EkibenError, type PickleNode, type PickleObject } from '@ekiben/spec';
import { isPickleObject } from './machine.ts';

const MAX_SHOWN = 200;

/**
 * The node as an object of one of `classes`.
 * @throws EKIBEN_PICKLE_CLASS_NOT_ALLOWED, naming the class or kind of value that is there instead
 */
export function expectObject(node: PickleNode, classes: readonly string[]): PickleObject {
  if (isPickleObject(node) && classes.includes(node.class)) return node;
  throw new EkibenError(
    'EKIBEN_PICKLE_CLASS_NOT_ALLOWED',
    `The pickle holds ${describeNode(node)}, where only ${classes.join(' or ')} can be read`,
    { details: { expected: classes, found: isPickleObject(node) ? className(node) : null } },
  );
}

/** What the node is, in Python's words: `a dict`, `an object of os.system`. */
export function describeNode(node: PickleNode): string {
  if (node === null) return 'None';
  if (typeof node !== 'object') return scalars[typeof node as keyof typeof scalars];
  if (node instanceof Uint8Array) return 'bytes';
  if (node instanceof Map) return 'a dict';
  if (node instanceof Set) return 'a set';
  if (Array.isArray(node)) return 'a list or tuple';
  return `an object of ${className(node as PickleObject)}`;
}

/** A class for an error: its name is the pickle's, and may be as long. */
export function className(object: PickleObject): string {
  return object.class.slice(0, MAX_SHOWN);
}

const scalars = { boolean: 'a bool', number: 'a number', bigint: 'an int', string: 'a str' } as const;
