// Opcodes one by one, as another writer than CPython may use them.
import { describe, expect, test } from '@jest/globals';
import { readPickle } from '../src/index.ts';
import { opcodes } from '../src/opcodes.ts';
import { assemble, fixture, refusal, type Part } from './fixtures.ts';

const read = (...parts: Part[]) => readPickle(assemble(...parts));

test('the table has every opcode that CPython knows, and no other', () => {
  const known = JSON.parse(fixture('opcodes.json').toString()) as { name: string; code: number }[];
  const ours = opcodes.flatMap((opcode, code) => (opcode ? [{ name: opcode.name, code }] : []));
  expect(ours).toEqual(known.map(({ name, code }) => ({ name, code })).sort((a, b) => a.code - b.code));
});

test.each<[string, unknown, Part[]]>([
  ['INT', -12, ['I-12\n.']],
  ['INT that is a boolean', true, ['I01\n.']],
  ['LONG', 2n ** 64n, ['L18446744073709551616L\n.']],
  ['LONG without its L', 5, ['L+5\n.']],
  ['LONG4', -1, [0x8b, 2, 0, 0, 0, 255, 255, '.']],
  ['FLOAT', -1.5e-3, ['F-1.5e-3\n.']],
  ['FLOAT of an integer', 3, ['F3\n.']],
  ['FLOAT inf', -Infinity, ['F-inf\n.']],
  ['FLOAT nan', NaN, ['Fnan\n.']],
  ['STRING', 'it\'s\t"\\"\x07A!', ["S'it\\'s\\t\"\\\\\"\\a\\x41\\41'\n."]],
  ['STRING with an unknown escape', '\\q', ["S'\\q'\n."]],
  ['STRING of bytes', Uint8Array.of(255), ['S"\\xff"\n.']],
  ['BINSTRING', 'ab', ['T', 2, 0, 0, 0, 'ab.']],
  ['SHORT_BINSTRING of bytes', Uint8Array.of(0xe9), ['U', 1, 0xe9, '.']],
  ['UNICODE', 'é数😀\\n\\', ['V\xe9\\u6570\\U0001f600\\n\\\n.']],
  ['UNICODE after two and three backslashes', '\\\\u0041 \\\\A', ['V\\\\u0041 \\\\\\u0041\n.']],
  ['BINUNICODE8', 'é', [0x8d, 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0xa9, '.']],
  ['BINBYTES8', Uint8Array.of(7), [0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 7, '.']],
  ['LIST', [1, null], ['(K', 1, 'Nl.']],
  ['DICT', new Map([['a', 1]]), ["(S'a'\nK", 1, 'd.']],
  ['TUPLE1 to TUPLE3', [[[1], 2], 3, 4], ['K', 1, 0x85, 'K', 2, 0x86, 'K', 3, 'K', 4, 0x87, '.']],
  ['POP', 1, ['K', 1, 'K', 2, '0.']],
  ['POP of a mark', 1, ['K', 1, '(0.']],
  ['POP_MARK', 1, ['K', 1, '(NNN1.']],
  ['DUP', [null, null], ['N2', 0x86, '.']],
  ['PUT and GET', [5, 5], ['K', 5, 'p100\ng100\n', 0x86, '.']],
  ['LONG_BINPUT and LONG_BINGET', [5, 5], ['K', 5, 'r', 0, 0, 0, 1, 'j', 0, 0, 0, 1, 0x86, '.']],
  ['MEMOIZE counts what is remembered', [5, 5], ['K', 5, 'q', 0, 0x94, 'h', 1, 0x86, '.']],
  ['a frame', null, [0x80, 4, 0x95, 2, 0, 0, 0, 0, 0, 0, 0, 'N.']],
  ['bytes after the end', null, ['N.garbage']],
])('%s', (_, expected, parts) => {
  expect(read(...parts)).toEqual(expected);
});

describe('calls', () => {
  const object = (name: string, args: unknown[] = [], state: unknown = null) => ({
    kind: 'object',
    class: name,
    args,
    state,
  });

  test.each<[string, unknown, Part[]]>([
    ['INST', object('a.B', [1]), ['(K', 1, 'ia\nB\n.']],
    ['OBJ', object('a.B', [1]), ['(ca\nB\nK', 1, 'o.']],
    ['PERSID', object('pickle.Unpickler.persistent_load', ['x']), ['Px\n.']],
    ['BINPERSID', object('pickle.Unpickler.persistent_load', [['storage', 1]]), ["S'storage'\nK", 1, 0x86, 'Q.']],
    ['modules of Python 2', object('builtins.map'), ['c__builtin__\nmap\n.']],
    [
      'a call of what a call gave',
      object('a.f()', [object('a.f', [1]), 2]),
      ['ca\nf\nK', 1, 0x85, 'RK', 2, 0x85, 'R.'],
    ],
    ['a set of what is no list', object('builtins.set', ['ab']), ["cbuiltins\nset\nS'ab'\n", 0x85, 'R.']],
    [
      'a codec that is not Latin-1',
      object('_codecs.encode', ['ab', 'rot13']),
      ["c_codecs\nencode\nS'ab'\nS'rot13'\n", 0x86, 'R.'],
    ],
    [
      'Latin-1 of what is none',
      object('_codecs.encode', ['数', 'latin1']),
      ["c_codecs\nencode\nV\\u6570\nS'latin1'\n", 0x86, 'R.'],
    ],
    [
      'a bytearray as Python 3.7 wrote it',
      Uint8Array.of(0xe9),
      ["cbuiltins\nbytearray\nV\xe9\nS'latin-1'\n", 0x86, 'R.'],
    ],
    [
      'getattr of a value',
      object('builtins.getattr', ['text', 'upper']),
      ["cbuiltins\ngetattr\nS'text'\nS'upper'\n", 0x86, 'R.'],
    ],
    ['copyreg.__newobj__', object('a.B', [1]), ['ccopy_reg\n__newobj__\nca\nB\nK', 1, 0x86, 'R.']],
    [
      'copyreg.__newobj_ex__',
      { ...object('a.B', [1]), kwargs: new Map([['k', 2]]) },
      ['ccopyreg\n__newobj_ex__\nca\nB\nK', 1, 0x85, "(S'k'\nK", 2, 'd', 0x87, 'R.'],
    ],
    [
      'copyreg.__newobj__ of what is no class',
      object('copyreg.__newobj__', [1]),
      ['ccopyreg\n__newobj__\nK', 1, 0x85, 'R.'],
    ],
    ['empty keyword arguments', object('a.B'), ['ca\nB\n)}', 0x92, '.']],
  ])('%s', (_, expected, parts) => {
    // prettier-ignore
    expect(read(...parts)).toEqual(expected);
  });

  test('leave the class itself untouched', () => {
    const [type, instance] = read('ca\nB\n2)', 0x81, '}b', 0x86, '.') as unknown[];
    expect(type).toEqual(object('a.B'));
    expect(instance).toEqual(object('a.B', [], new Map()));
  });
});

test.each<[string, Part[]]>([
  ['an unknown opcode', [0xff]],
  ['nothing on the stack at the end', ['.']],
  ['a value taken from below a mark', ['N(', 0x85, '.']],
  ['a mark that is not there', ['Nt.']],
  ['a memo entry that is not there', ['h', 3, '.']],
  ['a negative memo entry', ['Np-1\n.']],
  ['nothing to remember', [0x94, '.']],
  ['an integer that is none', ['I12x\n.']],
  ['a float that is none', ['F1,5\n.']],
  ['a string without quotes', ['Sabc\n.']],
  ['a string of one quote', ["S'\n."]],
  ['a negative length', ['T', 255, 255, 255, 255, '.']],
  ['text that is not UTF-8', ['X', 1, 0, 0, 0, 0xff, '.']],
  ['text that is not UTF-8 behind a surrogate', ['X', 4, 0, 0, 0, 0xed, 0xa0, 0x80, 0xff, '.']],
  ['an escape cut short', ['V\\u12\n.']],
  ['a string with more than its quotes', ["S'a' \n."]],
  ['a code point beyond Unicode', ['V\\U00110000\n.']],
  ['an append to a tuple', [')Na.']],
  ['an append to a number', ['K', 1, 'Na.']],
  ['items set in a list', [']NNs.']],
  ['a key without a value', ['}(Nu.']],
  ['an odd dict', ['(Nd.']],
  ['items added to a list', ['](N', 0x90, '.']],
  ['a state for a list', [']Nb.']],
  ['two states', ['ca\nB\n)', 0x81, '}b}b.']],
  ['a call of a string', ["S'eval'\n)R."]],
  ['arguments in a list', ['ca\nB\n]R.']],
  ['arguments of a class in a list', ['ca\nB\n]', 0x81, '.']],
  ['keyword arguments that are none', ['ca\nB\n)N', 0x92, '.']],
  ['a class that is none', ['N)', 0x81, '.']],
  ['an object without a class', ['(o.']],
  ['a module that is a number', ['K', 1, "S'x'\n", 0x93, '.']],
])('refuses %s', (_, parts) => {
  const error = refusal(() => read(...parts));
  expect(error.code).toBe('EKIBEN_PICKLE_INVALID');
});

test.each<[string, Part[]]>([
  ['protocol 6', [0x80, 6, 'N.']],
  ['a buffer outside the pickle', [0x80, 5, 0x97, '.']],
  ['a read-only buffer outside the pickle', [0x80, 5, 0x98, '.']],
  ['EXT1', [0x82, 1, '.']],
  ['EXT2', [0x83, 1, 0, '.']],
  ['EXT4', [0x84, 1, 0, 0, 0, '.']],
])('does not support %s', (_, parts) => {
  expect(refusal(() => read(...parts)).code).toBe('EKIBEN_PICKLE_UNSUPPORTED');
});

test('an error says at which byte and opcode', () => {
  const error = refusal(() => read(0x80, 2, ']', 'h', 9, 'a.'));
  expect(error.message).toBe('Cannot read the pickle: nothing was remembered under 9 (opcode BINGET at byte 3 of 7)');
  expect(error.details).toEqual({ offset: 3, opcode: 'BINGET' });
});
