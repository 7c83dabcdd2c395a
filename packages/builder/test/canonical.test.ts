import { decode, encode } from '@jridgewell/sourcemap-codec';
import { expect, test } from '@jest/globals';
import { canonical } from '../src/canonical.ts';
import { mapOnly } from '../src/maps.ts';

const bytes = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text) as Uint8Array]));
const texts = (files: ReadonlyMap<string, Uint8Array>) =>
  Object.fromEntries([...files].map(([name, content]) => [name, Buffer.from(content).toString('utf8')]));

const at = (folder: string, hash: string) =>
  bytes({
    'service.js': `import"./chunk-${hash}.js";var a=c({"${folder}/node_modules/x/a.js"(e,m){m.exports=1}});ours()\n//# sourceMappingURL=service.js.map\n`,
    'service.js.map': JSON.stringify({
      version: 3,
      sources: ['../src/service.ts'],
      names: [],
      mappings: encode([[[72 + folder.length, 0, 3, 4]]]),
    }),
    [`chunk-${hash}.js`]: `export default{"${folder}/node_modules/x/b.js"(){}}`,
  });
const nameOf = (path: string) => (path.includes('node_modules/') ? `x@1.0.0/${path.split('/x/')[1]}` : undefined);

test('what is bundled in different places becomes the same', () => {
  const near = texts(canonical(at('.', 'AAAAAAAA'), nameOf));
  const far = texts(canonical(at('../../../deep', 'BBBBBBBB'), nameOf));
  expect(near).toEqual(far);
  expect(Object.keys(near).toSorted()).toEqual([
    expect.stringMatching(/^chunk-[0-9A-F]{8}\.js$/),
    'service.js',
    'service.js.map',
  ]);
  expect(near['service.js']).toContain('{"x@1.0.0/a.js"(e,m)');
});

test('source maps follow the text that moves', () => {
  const { 'service.js': code = '', 'service.js.map': map = '' } = texts(canonical(at('.', 'AAAAAAAA'), nameOf));
  const before = texts(at('.', 'AAAAAAAA'));
  const column = (text: string) => decode((JSON.parse(text) as { mappings: string }).mappings)[0]?.[0]?.[0] ?? -1;
  const word = before['service.js']?.slice(column(before['service.js.map'] ?? ''));
  expect(code.slice(column(map))).toBe(word);
});

test('another content is another name', () => {
  const [one, two] = ['1', '2'].map((value) =>
    Object.keys(texts(canonical(bytes({ 'chunk-AAAAAAAA.js': `export default ${value}` }), nameOf))),
  );
  expect(one).not.toEqual(two);
});

test("maps keep the user's own files only, and go where none is left", () => {
  const files = bytes({
    'a.js': 'x;y;\n//# sourceMappingURL=a.js.map\n',
    'a.js.map': JSON.stringify({
      version: 3,
      sources: ['../../node_modules/p/p.js', '../src/a.ts'],
      sourcesContent: ['theirs', 'ours'],
      names: [],
      mappings: encode([
        [
          [0, 0, 0, 0],
          [2, 1, 5, 1],
          [4, 0, 9, 0],
        ],
      ]),
    }),
    'b.js': 'z;\n//# sourceMappingURL=b.js.map\n',
    'b.js.map': JSON.stringify({ version: 3, sources: ['../../node_modules/p/p.js'], names: [], mappings: 'AAAA' }),
  });
  mapOnly(files, (source) => !source.includes('node_modules'));
  const { 'a.js.map': map = '', ...rest } = texts(files);
  expect(JSON.parse(map)).toEqual({
    version: 3,
    sources: ['../src/a.ts'],
    sourcesContent: ['ours'],
    names: [],
    mappings: encode([[[2, 0, 5, 1], [4]]]),
  });
  expect(rest).toEqual({ 'a.js': 'x;y;\n//# sourceMappingURL=a.js.map\n', 'b.js': 'z;\n' });
});
