// The opcodes of protocols 0 to 5, as CPython's pickletools lists them, each with what it does to the machine.
import type { PickleNode, PickleObject } from '@ekiben/spec';
import { call, outcome } from './calls.ts';
import { isPickleObject, isTuple, type Machine, type OpenObject } from './machine.ts';
import { decodeLong, parseFloatText, parseInteger } from './numbers.ts';
import { invalid, unsupported } from './problem.ts';
import { asciiOrBytes, decodeLatin1, decodeQuoted, decodeRawUnicodeEscape, decodeUtf8 } from './text.ts';

export interface Opcode {
  readonly name: string;
  readonly run: (machine: Machine) => void;
}

export const STOP = 0x2e;
const highestProtocol = 5;

/** By the byte that stands for it. */
export const opcodes: ReadonlyArray<Opcode | undefined> = table({
  // Protocol, frames, end
  0x80: ['PROTO', (m) => protocol(m.input.uint8())],
  0x95: ['FRAME', (m) => m.input.require(m.input.uint64())],
  [STOP]: ['STOP', () => {}],

  // None, booleans, numbers
  0x4e: ['NONE', (m) => m.push(null)],
  0x88: ['NEWTRUE', (m) => m.push(true)],
  0x89: ['NEWFALSE', (m) => m.push(false)],
  0x49: ['INT', (m) => m.push(intOrBool(m, decodeLatin1(m.input.line())))],
  0x4a: ['BININT', (m) => m.push(m.input.int32())],
  0x4b: ['BININT1', (m) => m.push(m.input.uint8())],
  0x4d: ['BININT2', (m) => m.push(m.input.uint16())],
  0x4c: ['LONG', (m) => m.push(integer(m, decodeLatin1(m.input.line()).replace(/L$/, '')))],
  0x8a: ['LONG1', (m) => m.push(long(m, m.input.uint8()))],
  0x8b: ['LONG4', (m) => m.push(long(m, signedLength(m)))],
  0x46: ['FLOAT', (m) => m.push(parseFloatText(decodeLatin1(m.input.line())))],
  0x47: ['BINFLOAT', (m) => m.push(m.input.float64())],

  // Text and bytes
  0x53: ['STRING', (m) => m.push(asciiOrBytes(decodeQuoted(m.input.line())))],
  0x54: ['BINSTRING', (m) => m.push(asciiOrBytes(m.input.bytes(signedLength(m))))],
  0x55: ['SHORT_BINSTRING', (m) => m.push(asciiOrBytes(m.input.bytes(m.input.uint8())))],
  0x56: ['UNICODE', (m) => m.push(decodeRawUnicodeEscape(m.input.line()))],
  0x8c: ['SHORT_BINUNICODE', (m) => m.push(decodeUtf8(m.input.bytes(m.input.uint8())))],
  0x58: ['BINUNICODE', (m) => m.push(decodeUtf8(m.input.bytes(m.input.uint32())))],
  0x8d: ['BINUNICODE8', (m) => m.push(decodeUtf8(m.input.bytes(m.input.uint64())))],
  0x43: ['SHORT_BINBYTES', (m) => m.push(m.input.bytes(m.input.uint8()))],
  0x42: ['BINBYTES', (m) => m.push(m.input.bytes(m.input.uint32()))],
  0x8e: ['BINBYTES8', (m) => m.push(m.input.bytes(m.input.uint64()))],
  0x96: ['BYTEARRAY8', (m) => m.push(m.input.bytes(m.input.uint64()))],
  0x97: ['NEXT_BUFFER', () => unsupported('the data lies in a buffer outside the pickle')],
  0x98: ['READONLY_BUFFER', () => unsupported('the data lies in a buffer outside the pickle')],

  // Lists, tuples, dicts, sets
  0x5d: ['EMPTY_LIST', (m) => m.push([])],
  0x6c: ['LIST', (m) => m.push(m.popToMark())],
  0x61: ['APPEND', (m) => append([m.pop()], m.top())],
  0x65: ['APPENDS', (m) => append(m.popToMark(), m.top())],
  0x29: ['EMPTY_TUPLE', (m) => m.tuple([])],
  0x74: ['TUPLE', (m) => m.tuple(m.popToMark())],
  0x85: ['TUPLE1', (m) => m.tuple(take(m, 1))],
  0x86: ['TUPLE2', (m) => m.tuple(take(m, 2))],
  0x87: ['TUPLE3', (m) => m.tuple(take(m, 3))],
  0x7d: ['EMPTY_DICT', (m) => m.push(new Map())],
  0x64: ['DICT', (m) => m.push(setItems(m.popToMark(), new Map()))],
  0x73: ['SETITEM', (m) => void setItems(take(m, 2), m.top())],
  0x75: ['SETITEMS', (m) => void setItems(m.popToMark(), m.top())],
  0x8f: ['EMPTY_SET', (m) => m.push(new Set())],
  0x90: ['ADDITEMS', (m) => addItems(m.popToMark(), m.top())],
  0x91: ['FROZENSET', (m) => m.push(new Set(m.popToMark()))],

  // The stack and the memo
  0x28: ['MARK', (m) => m.mark()],
  0x30: ['POP', (m) => m.popValueOrMark()],
  0x31: ['POP_MARK', (m) => void m.popToMark()],
  0x32: ['DUP', (m) => m.push(m.top())],
  0x70: ['PUT', (m) => m.remember(memoIndex(m))],
  0x71: ['BINPUT', (m) => m.remember(m.input.uint8())],
  0x72: ['LONG_BINPUT', (m) => m.remember(m.input.uint32())],
  0x94: ['MEMOIZE', (m) => m.rememberNext()],
  0x67: ['GET', (m) => m.recall(memoIndex(m))],
  0x68: ['BINGET', (m) => m.recall(m.input.uint8())],
  0x6a: ['LONG_BINGET', (m) => m.recall(m.input.uint32())],

  // Classes, functions and what they make: all inert
  0x63: ['GLOBAL', (m) => m.push(globalLines(m))],
  0x93: ['STACK_GLOBAL', (m) => m.push(stackGlobal(m))],
  0x52: ['REDUCE', (m) => m.push(call(m, ...pair(m)))],
  0x81: ['NEWOBJ', (m) => m.push(newObj(m, ...pair(m)))],
  0x92: ['NEWOBJ_EX', (m) => m.push(newObjEx(m))],
  0x69: ['INST', (m) => m.push(inst(m))],
  0x6f: ['OBJ', (m) => m.push(obj(m))],
  0x62: ['BUILD', build],
  0x50: ['PERSID', (m) => m.push(persistent(m, decodeUtf8(m.input.line())))],
  0x51: ['BINPERSID', (m) => m.push(persistent(m, m.pop()))],
  0x82: ['EXT1', extension],
  0x83: ['EXT2', extension],
  0x84: ['EXT4', extension],
});

function table(rows: Readonly<Record<number, readonly [name: string, run: Opcode['run']]>>): (Opcode | undefined)[] {
  return Array.from({ length: 256 }, (_, code) => {
    const row = rows[code];
    return row && { name: row[0], run: row[1] };
  });
}

function protocol(version: number): void {
  if (version > highestProtocol) unsupported(`protocol ${version}; protocols 0 to ${highestProtocol} are known`);
}

function intOrBool(m: Machine, text: string): PickleNode {
  return text === '00' ? false : text === '01' ? true : integer(m, text);
}

function integer(m: Machine, text: string): number | bigint {
  return parseInteger(text, m.limits.maxIntegerDigits);
}

function long(m: Machine, length: number): number | bigint {
  return decodeLong(m.input.bytes(length), m.limits.maxIntegerDigits);
}

/** Two old opcodes have a signed length. */
function signedLength(m: Machine): number {
  const length = m.input.int32();
  return length < 0 ? invalid(`its length is negative (${length})`) : length;
}

function memoIndex(m: Machine): number {
  const index = integer(m, decodeLatin1(m.input.line()));
  return typeof index === 'number' && index >= 0 ? index : invalid(`${index} is no place in the memo`);
}

/** The last `count` values, in the order they were pushed. */
function take(m: Machine, count: number): PickleNode[] {
  return Array.from({ length: count }, () => m.pop()).reverse();
}

function pair(m: Machine): [PickleNode, PickleNode] {
  const second = m.pop();
  return [m.pop(), second];
}

function append(items: readonly PickleNode[], target: PickleNode): void {
  if (isPickleObject(target)) {
    append(items, ((target as OpenObject).listItems ??= []));
  } else if (Array.isArray(target) && !Object.isFrozen(target)) {
    for (const item of items) target.push(item);
  } else {
    invalid('it appends to something that is neither a list nor an object');
  }
}

function setItems(keysAndValues: readonly PickleNode[], target: PickleNode): PickleNode {
  if (keysAndValues.length % 2 !== 0) invalid('a key has no value');
  if (isPickleObject(target)) {
    setItems(keysAndValues, ((target as OpenObject).dictItems ??= new Map()));
  } else if (target instanceof Map) {
    for (let i = 0; i < keysAndValues.length; i += 2) target.set(keysAndValues[i], keysAndValues[i + 1]);
  } else {
    invalid('it sets items of something that is neither a dict nor an object');
  }
  return target;
}

function addItems(items: readonly PickleNode[], target: PickleNode): void {
  if (!(target instanceof Set)) return invalid('it adds items to something that is not a set');
  for (const item of items) target.add(item);
}

/** Modules that Python 3 renamed and that pickle itself names. */
const python3Modules = new Map([
  ['__builtin__', 'builtins'],
  ['copy_reg', 'copyreg'],
]);

function global(m: Machine, module: string, name: string): PickleObject {
  return m.reference(`${python3Modules.get(module) ?? module}.${name}`);
}

function globalLines(m: Machine): PickleObject {
  const module = decodeUtf8(m.input.line());
  return global(m, module, decodeUtf8(m.input.line()));
}

function stackGlobal(m: Machine): PickleObject {
  const [module, name] = pair(m);
  return typeof module === 'string' && typeof name === 'string'
    ? global(m, module, name)
    : invalid('module and name must be text');
}

function newObj(m: Machine, type: PickleNode, args: PickleNode, kwargs?: PickleNode): PickleNode {
  return isTuple(args) ? outcome(m, type, args, kwargs) : invalid('the arguments of a class must be a tuple');
}

function newObjEx(m: Machine): PickleNode {
  const kwargs = m.pop();
  return newObj(m, ...pair(m), kwargs);
}

function inst(m: Machine): PickleNode {
  const args = m.popToMark();
  return outcome(m, globalLines(m), args);
}

function obj(m: Machine): PickleNode {
  const [type, ...args] = m.popToMark();
  return type === undefined ? invalid('it takes a class, but none follows the mark') : outcome(m, type, args);
}

function build(m: Machine): void {
  const state = m.pop();
  const object = m.top();
  if (!isPickleObject(object)) return invalid('it gives a state to something that is not an object');
  if (object.state !== null) invalid('the object has a state already');
  (object as OpenObject).state = state;
}

/** What an id stands for is known to the program that wrote it. */
function persistent(m: Machine, id: PickleNode): PickleNode {
  return outcome(m, m.reference('pickle.Unpickler.persistent_load'), [id]);
}

function extension(): never {
  unsupported("the class is a number of the writer's extension registry");
}
