// Pickles that want to run something, or to take more than they give.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { PickleNode } from '@ekiben/spec';
import { expectObject, readPickle } from '../src/index.ts';
import { assemble, fixture, pickles, refusal, type Part } from './fixtures.ts';

describe('executes nothing', () => {
  test('a call of os.system is data', () => {
    const objects = readPickle(fixture('pickles/hostile-reduce.pkl')) as ReadonlyMap<string, PickleNode>;
    const node = objects.get('DictVectorizer') ?? null;
    expect(node).toEqual({
      kind: 'object',
      class: 'posix.system',
      args: ['echo this must never run > ./pickle-was-executed'],
      state: null,
    });
    expect(existsSync('pickle-was-executed')).toBe(false);
    expect(refusal(() => expectObject(node, ['a.B']))).toMatchObject({
      code: 'EKIBEN_PICKLE_CLASS_NOT_ALLOWED',
      message: expect.stringContaining('posix.system'),
    });
  });

  test('a call of eval is data', () => {
    expect(readPickle(fixture('pickles/hostile-global.pkl'))).toEqual({
      kind: 'object',
      class: 'builtins.eval',
      args: ['1+1'],
      state: null,
    });
  });

  test('the reader has nothing to execute with: it imports its own files and the contract only', () => {
    const folder = new URL('../src/', import.meta.url);
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'));
    const imports = sources.flatMap((source) => [...source.matchAll(/\bfrom '([^']+)'/g)].map(([, from]) => from));
    expect(imports.length).toBeGreaterThan(10);
    expect(imports.filter((from) => !from?.startsWith('./') && from !== '@ekiben/spec')).toEqual([]);
    for (const source of sources)
      expect(source).not.toMatch(/\bimport\(|\beval\(|\bFunction\(|\bglobalThis\b|\bprocess\b/);
  });

  test('names of JavaScript’s own objects are just names', () => {
    const node = readPickle(assemble("c__proto__\nconstructor\n(S'return 1'\ntR}S'__proto__'\nS'x'\nsb."));
    expect(node).toEqual({
      kind: 'object',
      class: '__proto__.constructor',
      args: ['return 1'],
      state: new Map([['__proto__', 'x']]),
    });
    expect(Object.getPrototypeOf(node)).toBe(Object.prototype);
  });
});

describe('cut short', () => {
  test('the truncated fixture is refused', () => {
    const error = refusal(() => readPickle(fixture('pickles/truncated.pkl')));
    expect(error.code).toBe('EKIBEN_PICKLE_TRUNCATED');
    expect(error.details).toEqual({ offset: 2, opcode: 'FRAME' });
  });

  test('no bytes are refused', () => {
    expect(refusal(() => readPickle(new Uint8Array()))).toMatchObject({ code: 'EKIBEN_PICKLE_TRUNCATED' });
  });

  test.each(pickles.filter((name) => fixture(name).length < 2000))('%s anywhere', (name) => {
    const whole = fixture(name);
    for (let length = 0; length < whole.length; length++) {
      expect(refusal(() => readPickle(whole.subarray(0, length))).code).toBe('EKIBEN_PICKLE_TRUNCATED');
    }
  });

  test('a length of exabytes allocates nothing', () => {
    for (const opcode of [0x8d, 0x8e, 0x96, 0x95]) {
      const pickle = assemble(opcode, 255, 255, 255, 255, 255, 255, 255, 127, 'x.');
      expect(refusal(() => readPickle(pickle)).code).toBe('EKIBEN_PICKLE_TRUNCATED');
    }
  });
});

describe('limits', () => {
  const limit = (pickle: Uint8Array, limits?: Parameters<typeof readPickle>[1]) => {
    const error = refusal(() => readPickle(pickle, limits));
    expect(error.code).toBe('EKIBEN_PICKLE_LIMIT');
    return error.message;
  };

  test('bytes', () => {
    expect(limit(assemble('NNNN.'), { maxBytes: 4 })).toContain('maxBytes allows (4)');
    expect(readPickle(assemble('NNN.'), { maxBytes: 4 })).toBeNull();
  });

  test('values', () => {
    expect(limit(assemble(']'.repeat(4), '.'), { maxNodes: 3 })).toContain('maxNodes allows (3)');
    expect(readPickle(assemble(']'.repeat(3), '.'), { maxNodes: 3 })).toEqual([]);
    expect(limit(assemble('('.repeat(4), '.'), { maxNodes: 3 })).toContain('maxNodes');
    expect(limit(assemble('N', '2'.repeat(3), '.'), { maxNodes: 3 })).toContain('maxNodes');
  });

  test('remembered values', () => {
    expect(limit(assemble('N', 0x94, 0x94, '.'), { maxMemo: 1 })).toContain('maxMemo allows (1)');
  });

  test('an undefined limit is the default', () => {
    expect(readPickle(assemble('N.'), { maxBytes: undefined })).toBeNull();
  });

  test('digits of an integer', () => {
    expect(readPickle(assemble(`I${'9'.repeat(4300)}\n.`))).toBe(10n ** 4300n - 1n);
    expect(limit(assemble(`I${'9'.repeat(4302)}\n.`))).toContain('maxIntegerDigits allows (4300)');
    expect(limit(assemble('L', '9'.repeat(4302), 'L\n.'))).toContain('maxIntegerDigits');
    expect(limit(assemble(0x8b, 0, 8, 0, 0, new Uint8Array(2048), '.'))).toContain('maxIntegerDigits');
  });

  const repeat = (times: number, ...parts: Part[]) => assemble(...Array(times).fill(assemble(...parts)));

  test.each<[string, Part[]]>([
    ['lists', [']'.repeat(1001), 'a'.repeat(1000)]],
    ['lists that are filled when they are in place', [']q', 0, repeat(1000, 'h', 0, ']q', 0, 'a0')]],
    ['tuples', ['N', repeat(1001, 0x85)]],
    ['arguments', ['ca\nB\nq', 0, repeat(501, 'h', 0), 'N', repeat(501, 0x85, 0x81)]],
    ['states', ['ca\nB\nq', 0, repeat(1001, 'h', 0, ')', 0x81), 'b'.repeat(1000)]],
  ])('depth of %s', (_, parts) => {
    expect(limit(assemble(...parts, '.'))).toContain('maxDepth allows (1000)');
  });

  test.each<[string, number, Part[]]>([
    ['a value of a dict', 2, ['}N]s.']],
    ['a key', 2, ['})Ns.']],
    ['an item of a set', 2, [0x8f, '()', 0x90, '.']],
    ['an argument', 3, ['ca\nB\n]', 0x85, 0x81, '.']],
    ['a state', 3, ['ca\nB\n)', 0x81, ']]ab.']],
    ['a keyword argument', 3, ['ca\nB\n)}N]s', 0x92, '.']],
    ['an appended item', 3, ['ca\nB\n)', 0x81, ']a.']],
    ['a set item', 3, ['ca\nB\n)', 0x81, 'N]s.']],
  ])('depth counts %s', (_, depth, parts) => {
    expect(limit(assemble(...parts), { maxDepth: depth - 1 })).toContain('maxDepth');
    readPickle(assemble(...parts), { maxDepth: depth });
  });

  test('depth counts what is shared on its longest way', () => {
    const nest = (inside: Part[]) => assemble(']'.repeat(600), ...inside, 'a'.repeat(599));
    const short = assemble(']', nest([]), 'q', 0, 'a');
    readPickle(assemble(short, '.'));
    expect(limit(assemble(short, nest(['h', 0, 'a']), 'a.'))).toContain('maxDepth');
  });

  test('a value shared a billion times over is walked once', () => {
    const node = readPickle(assemble(']', repeat(60, 'q', 0, '0](h', 0, 'h', 0, 'e'), '.'));
    expect(node).toHaveLength(2);
  });

  const text = assemble('X', 0, 0, 1, 0, 'x'.repeat(65536), 'q', 0, '0');
  const tuple = assemble('(ca\nB\n', 'N'.repeat(1000), 'tq', 0, '0');
  const list = assemble('](', 'N'.repeat(1000), 'eq', 0, '0');

  test.each<[string, Part[]]>([
    ['sets of one list', [list, 'cbuiltins\nset\nq', 1, '0', repeat(100, 'h', 1, 'h', 0, 0x85, 'R0')]],
    [
      'bytes of one text',
      [text, 'c_codecs\nencode\nq', 1, "0S'latin1'\nq", 2, '0', repeat(100, 'h', 1, 'h', 0, 'h', 2, 0x86, 'R0')],
    ],
    ['classes with one huge name', [text, repeat(100, 'h', 0, 'h', 0, 0x93, '0')]],
    ['instances from one tuple', [tuple, 'ccopyreg\n__newobj__\nq', 1, '0', repeat(100, 'h', 1, 'h', 0, 'R0')]],
    ['calls of calls', ['ca\nf\n', repeat(4000, ')R')]],
  ])('copies: %s', (_, parts) => {
    // prettier-ignore
    expect(limit(assemble(...parts, 'N.'), { maxNodes: 10_000 })).toContain('maxNodes');
  });
});
