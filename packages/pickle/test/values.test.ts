// What CPython writes in each protocol, read back.
import { describe, expect, test } from '@jest/globals';
import type { PickleNode, PickleObject } from '@ekiben/spec';
import { readPickle } from '../src/index.ts';
import { fixture } from './fixtures.ts';

const object = (name: string, args: readonly PickleNode[] = [], rest: object = {}) => ({
  kind: 'object',
  class: name,
  args,
  state: null,
  ...rest,
});
const bytes = (...values: number[]) => Uint8Array.from(values);
const range = (length: number) => Array.from({ length }, (_, i) => i);

describe.each([0, 1, 2, 3, 4, 5])('protocol %d', (protocol) => {
  const values = readPickle(fixture(`values-protocol${protocol}.pkl`)) as ReadonlyMap<string, unknown>;

  test.each<[string, unknown]>([
    ['none', null],
    ['booleans', [true, false]],
    ['integers', [0, 1, -1, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]], // prettier-ignore
    [
      'bigIntegers',
      [2n ** 53n, -(2n ** 53n), 2n ** 63n, -(2n ** 63n), 2n ** 64n, 10n ** 30n, -(10n ** 30n), 2n ** 2039n],
    ],
    ['floats', [0.1, -0, 1e308, 5e-324, -2.5, Infinity, -Infinity, NaN]],
    [
      'text',
      ['', 'ascii', 'Zürich', '数', '😀', '\ufeffmark', 'a\\b\n\r\0\x1a\'"', '\ud800', 'x\udfffy', 'l'.repeat(300)],
    ],
    ['bytes', [bytes(), bytes(0, 255), bytes(...range(256)), bytes(...Array(300).fill(108))]],
    ['bytearray', [bytes(), bytes(0, 255)]],
    ['tuples', [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [[]]]],
    ['lists', [[], [[]], range(1200)]],
    ['dicts', [new Map(), new Map<unknown, string>([[1, 'int'], [1.5, 'float'], [[1, 2], 'tuple'], [null, 'None'], ['__proto__', 'text']]), new Map(range(1200).map((i) => [i, i === 0 ? 0 : -i]))]], // prettier-ignore
    ['sets', [new Set(), new Set([1, 2]), new Set(), new Set([3])]],
    ['plain', object('shapes.Plain', [], { state: new Map<string, unknown>([['a', 1], ['b', [2]]]) })], // prettier-ignore
    ['bare', object('shapes.Plain')],
    ['reduced', object('shapes.Reduced.make', [1, 'two'], { state: new Map([['seen', true]]) })],
    ['ordered', object('collections.OrderedDict', [], { dictItems: new Map([['z', 1], ['a', 2]]) })], // prettier-ignore
    [
      'counts',
      object('collections.defaultdict', [object('builtins.list') as PickleNode], { dictItems: new Map([['k', [1]]]) }),
    ],
    ['deque', object('collections.deque', [[], 3], { listItems: [1, 2] })],
    ['colour', object('shapes.Colour', ['red'])],
    ['complex', object('builtins.complex', [1, 2])],
    ['decimal', object('decimal.Decimal', ['0.1'])],
    ['date', object('datetime.date', [bytes(7, 234, 11, 24)])],
    ['class', object('shapes.Plain')],
    ['inner', object('shapes.Nested.Inner')],
    ['function', object('copyreg.constructor')],
  ])('%s', (name, expected) => {
    expect(values.get(name)).toEqual(expected);
  });

  test('tuples are frozen, lists are not', () => {
    expect((values.get('tuples') as unknown[]).every(Object.isFrozen)).toBe(true);
    expect((values.get('lists') as unknown[]).some(Object.isFrozen)).toBe(false);
  });

  test('what Python shares is shared', () => {
    const [first, second] = values.get('shared') as unknown[];
    expect(first).toEqual([1]);
    expect(first).toBe(second);
  });

  test('what contains itself contains itself', () => {
    const itself = values.get('itself') as unknown[];
    expect(itself[0]).toBe(itself);
    const inside = values.get('inside') as Map<string, unknown>;
    expect(inside.get('me')).toBe(inside);
    const ring = values.get('ring') as unknown[][];
    expect(ring[0]?.[0]).toBe(ring);
    const friend = values.get('friend') as PickleObject;
    expect((friend.state as Map<string, unknown>).get('friend')).toBe(friend);
  });

  test('subclasses of built-in types keep the content', () => {
    const note = new Map([['note', 'attribute']]);
    // Protocols 0 and 1 make the instance from a copy of its content.
    const [words, table, point] =
      protocol < 2
        ? [object('shapes.Words', [['a', 'b']]), object('shapes.Table', [new Map([['a', 1]])], { state: note }), object('shapes.Point', [[1, 2]])] // prettier-ignore
        : [object('shapes.Words', [], { listItems: ['a', 'b'] }), object('shapes.Table', [], { state: note, dictItems: new Map([['a', 1]]) }), object('shapes.Point', [1, 2])]; // prettier-ignore
    expect(values.get('words')).toEqual(words);
    expect(values.get('table')).toEqual(table);
    expect(values.get('point')).toEqual(point);
  });
});

describe.each([2, 3, 4, 5])('protocol %d, which can', (protocol) => {
  const values = readPickle(fixture(`values-protocol${protocol}.pkl`)) as ReadonlyMap<string, unknown>;

  test('a state of slots is a pair', () => {
    expect(values.get('slots')).toEqual(object('shapes.Slots', [], { state: [null, new Map([['x', 1]])] }));
  });

  test('keyword arguments are kept, before protocol 4 within the partial call that Python writes', () => {
    const size = new Map([['size', 3]]);
    const keywords = values.get('keywords');
    if (protocol >= 4) expect(keywords).toEqual(object('shapes.Keywords', [], { kwargs: size }));
    else expect(keywords).toMatchObject({ class: 'functools.partial()', args: [{ state: [{}, [{ class: 'shapes.Keywords' }], size, null] }] }); // prettier-ignore
  });
});

const examples = JSON.parse(fixture('random.json').toString()) as { value: unknown; pickle: string }[];

test.each(examples)('random value %#', ({ value, pickle }) => {
  expect(plain(readPickle(Buffer.from(pickle, 'base64')))).toEqual([value, value]);
});

function plain(node: PickleNode): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (node instanceof Map) return Object.fromEntries([...node].map(([key, value]) => [key, plain(value)]));
  return node;
}
