import { expect, test } from '@jest/globals';
import { followOwnFiles, mayNeedPlace } from '../src/own-files.ts';

const nameOf = (kind: string, wanted: string): string => `./${kind}:${wanted}`;

test('follows a file or module that is named by its place', () => {
  const own = followOwnFiles(`const text = readFileSync(new URL("../package.json", import.meta.url));`, nameOf);
  expect(own).toEqual({
    source: 'const text = readFileSync(new URL("./url:../package.json", import.meta.url));',
    needsPlace: false,
  });
});

test('follows a file or module of CommonJS that is named by its place', () => {
  const own = followOwnFiles(
    `const worker = overrides.worker || join(__dirname, 'lib', "worker.js");path.join(__dirname,'..','file.js')`,
    nameOf,
  );
  expect(own).toEqual({
    source: `const worker = overrides.worker || join(__ekiben_dir,"./url:./lib/worker.js");path.join(__ekiben_dir,"./url:./../file.js")`,
    needsPlace: false,
  });
});

test('a file that cannot be beside the bundle keeps its module outside', () => {
  for (const source of [`join(__dirname, 'public')`, `new URL('./public/', import.meta.url)`])
    expect(followOwnFiles(source, () => undefined)).toEqual({ source, needsPlace: true });
});

test('follows a program that is found by its name', () => {
  const own = followOwnFiles(
    `import{createRequire}from'node:module';const ENTRY=createRequire(import.meta.url).resolve('@a/b/worker');`,
    nameOf,
  );
  expect(own.source).toBe(
    `import { fileURLToPath as __ekiben_path } from 'node:url';const ENTRY=__ekiben_path(new URL("./module:@a/b/worker", import.meta.url));`,
  );
});

test('leaves require to the bundler', () => {
  const own = followOwnFiles(
    `import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);\nconst ajv = () => require("ajv");`,
    nameOf,
  );
  expect(own).toMatchObject({ needsPlace: false, source: '\n\nconst ajv = () => require("ajv");' });
});

test.each([
  'const dir = __dirname;',
  `require(join(__dirname, 'index.js'))`,
  `readFileSync(path.join(__dirname, 'index.js'))`,
  'join(__dirname, name)',
  'const dir = dirname(fileURLToPath(import.meta.url));',
  'const path = require.resolve("x");',
  'const path = import.meta.resolve("x");',
  'const url = new URL(name, import.meta.url);',
])('a module that does anything else with its place stays outside: %s', (source) => {
  expect(mayNeedPlace(source)).toBe(true);
  expect(followOwnFiles(source, nameOf)).toEqual({ source, needsPlace: true });
});

test.each([
  'globals.__dirname',
  `for (const name of ['__dirname', 'require']) use(name);`,
  `({ 'import.meta.url': x })`,
])('is not misled by what only looks like it: %s', (source) => expect(mayNeedPlace(source)).toBe(false));
