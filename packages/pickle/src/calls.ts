// What a pickle calls. A call becomes an inert object that names the callable; only the calls that pickle itself
// writes, because a protocol has no opcode for a built-in type or for making an instance, are read as the data they
// stand for.
import type { PickleNode } from '@ekiben/spec';
import { isPickleObject, isTuple, newObject, type Machine } from './machine.ts';
import { invalid } from './problem.ts';
import { encodeLatin1 } from './text.ts';

/** `callable(*args)` */
export function call(machine: Machine, callable: PickleNode, args: PickleNode): PickleNode {
  if (!isTuple(args)) return invalid('the arguments of a call must be a tuple');
  if (!isPickleObject(callable)) return invalid('what is called must be a class or function');
  const plain = machine.isReference(callable) ? ownCalls.get(callable.class)?.(machine, args) : undefined;
  return plain ?? outcome(machine, callable, args);
}

/** An instance made as `class.__new__(class, *args, **kwargs)`, or whatever else a call of `callable` gives. */
export function outcome(
  machine: Machine,
  callable: PickleNode,
  args: readonly PickleNode[],
  kwargs?: PickleNode,
): PickleNode {
  if (!isPickleObject(callable)) return invalid('what is called must be a class or function');
  // What a call returned can be called too: `partial(f)(0.5)` is kept as a `functools.partial()`.
  machine.chargeCopy(callable.class.length + 8 * args.length);
  const object = machine.isReference(callable)
    ? newObject(callable.class, args)
    : newObject(`${callable.class}()`, [callable, ...args]);
  if (kwargs === undefined) return object;
  if (!(kwargs instanceof Map)) return invalid('keyword arguments must be a dict');
  return kwargs.size === 0 ? object : { ...object, kwargs };
}

type OwnCall = (machine: Machine, args: readonly PickleNode[]) => PickleNode | undefined;

/** By callable; `undefined` where the arguments are none that pickle would write. */
const ownCalls: ReadonlyMap<string, OwnCall> = new Map<string, OwnCall>([
  ['_codecs.encode', (machine, [text, encoding]) => (encoding === 'latin1' ? latin1(machine, text) : undefined)],
  ['builtins.getattr', attribute],
  ['builtins.bytes', (_, args) => (args.length === 0 ? new Uint8Array() : undefined)],
  ['builtins.bytearray', byteArray],
  ['builtins.set', set],
  ['builtins.frozenset', set],
  ['copyreg._reconstructor', reconstruct],
  ['copyreg.__newobj__', (machine, [type = null, ...args]) => newInstance(machine, type, args)],
  [
    'copyreg.__newobj_ex__',
    (machine, [type = null, args, kwargs]) => (isTuple(args) ? newInstance(machine, type, args, kwargs) : undefined),
  ],
]);

function latin1(machine: Machine, text: PickleNode | undefined): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  machine.chargeCopy(text.length);
  return encodeLatin1(text);
}

function byteArray(machine: Machine, args: readonly PickleNode[]): Uint8Array | undefined {
  const [bytes, encoding] = args;
  if (args.length === 0) return new Uint8Array();
  return bytes instanceof Uint8Array ? bytes : encoding === 'latin-1' ? latin1(machine, bytes) : undefined;
}

function set(machine: Machine, args: readonly PickleNode[]): ReadonlySet<PickleNode> | undefined {
  const [items = []] = args;
  if (!Array.isArray(items) || args.length > 1) return undefined;
  machine.chargeCopy(64 * items.length);
  return new Set<PickleNode>(items);
}

/** Before protocol 4, what is inside a class: `getattr(Nested, 'Inner')`. */
function attribute(machine: Machine, args: readonly PickleNode[]): PickleNode | undefined {
  const [owner, name] = args;
  if (args.length !== 2 || !isPickleObject(owner) || !machine.isReference(owner) || typeof name !== 'string')
    return undefined;
  return machine.reference(`${owner.class}.${name}`);
}

/** Protocols 0 and 1: `base` is the built-in type that the class extends, `content` its value. */
function reconstruct(machine: Machine, args: readonly PickleNode[]): PickleNode | undefined {
  const [type = null, base, content = null] = args;
  if (args.length !== 3 || !isPickleObject(base)) return undefined;
  return newInstance(machine, type, base.class === 'builtins.object' ? [] : [content]);
}

function newInstance(
  machine: Machine,
  type: PickleNode,
  args: readonly PickleNode[],
  kwargs?: PickleNode,
): PickleNode | undefined {
  return isPickleObject(type) && machine.isReference(type) ? outcome(machine, type, args, kwargs) : undefined;
}
