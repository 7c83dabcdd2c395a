import { expect, test } from '@jest/globals';
import { readYaml, YamlFault } from '../src/yaml.ts';

const limits = { maxBytes: 1000, maxDepth: 5 };

test('reads scalars as PyYAML does', () => {
  const text = 'on: on\ny: y\noctal: 010\ndate: 2024-01-01\nnone: ~\ntext: "1"\nfloat: 1e3\n<<: { merged: 1 }\n';
  expect(readYaml(text, limits).value).toEqual({
    true: true,
    y: 'y',
    octal: 8,
    date: '2024-01-01',
    none: null,
    text: '1',
    float: '1e3',
    '<<': { merged: 1 },
  });
});

test.each(['', ' \n', '# nothing\n', '---\n'])('an empty file is null: %j', (text) => {
  expect(readYaml(text, limits).value).toBeNull();
});

test('knows the place of keys and items, or of the nearest one above', () => {
  const text = '\uFEFF# first\r\n"a":\r\n  b: [1, {c: 2}]\r\n';
  const { at, value } = readYaml(text, limits);
  expect(value).toEqual({ a: { b: [1, { c: 2 }] } });
  expect(at(['a'])).toEqual({ line: 2, column: 1 });
  expect(at(['a', 'b'])).toEqual({ line: 3, column: 3 });
  expect(at(['a', 'b', 0])).toEqual({ line: 3, column: 7 });
  expect(at(['a', 'b', 1, 'c'])).toEqual({ line: 3, column: 11 });
  expect(at(['a', 'b', 1, 'd', 'e'])).toEqual({ line: 3, column: 10 });
  expect(at(['x'])).toEqual({ line: 1, column: 1 });
});

test('a key that names what JavaScript gives meaning to is a key like others', () => {
  const { value } = readYaml('__proto__: { polluted: true }\nconstructor: 1\n', limits);
  expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test.each<[string, string, object, number, number]>([
  ['no YAML', 'a: [1\n', {}, 2, 1],
  ['a key that is there twice', 'a: 1\na: 2\n', {}, 2, 1],
  ['a tag of a language', 'a: !!python/object:os.system x\n', {}, 1, 4],
  ['an alias', 'a: &x 1\nb: *x\n', {}, 2, 5],
  ['more depth than is allowed', `${'['.repeat(9)}${']'.repeat(9)}`, {}, 1, 5],
  ['more bytes than are allowed', `a: ${'é'.repeat(500)}`, {}, 1, 1],
])('refuses %s, and says where', (_what, text, more, line, column) => {
  const read = () => readYaml(text, { ...limits, ...more });
  expect(read).toThrow(YamlFault);
  try {
    read();
  } catch (error) {
    expect((error as YamlFault).place).toEqual({ line, column });
  }
});

test('aliases stand for what they name where they are allowed', () => {
  expect(readYaml('a: &x [1]\nb: *x\n', { ...limits, maxAliases: 1 }).value).toEqual({ a: [1], b: [1] });
});
