// The examples of the documentation compile as a user's would, and those marked to run do run: the first ```ts block of every README,
// every further one that is marked ```ts run, and every ```ts block in a TSDoc comment.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { root, workspacePackages } from '../scripts/workspace.mjs';

const packages = workspacePackages().filter(({ path }) => path.startsWith('packages/'));

/** @typedef {{ package: import('../scripts/workspace.mjs').Package, from: string, text: string, runs: boolean }} Example */

/** @returns {Example[]} */
function readmeExamples(each) {
  const readme = join(each.dir, 'README.md');
  if (!existsSync(readme)) return [];
  return fenced(readFileSync(readme, 'utf8'))
    .map((block, index) => ({ package: each, from: `README.md, block ${index + 1}`, ...block }))
    .filter(({ runs }, index) => index === 0 || runs);
}

/** @returns {Example[]} */
function commentExamples(each) {
  const files = readdirSync(join(each.dir, 'src'), { recursive: true }).filter((file) => file.endsWith('.ts'));
  return files.flatMap((file) => {
    const comments = [...readFileSync(join(each.dir, 'src', file), 'utf8').matchAll(/\/\*\*.*?\*\//gs)];
    const text = comments.map(([comment]) => comment.replace(/^\s*\* ?/gm, '')).join('\n');
    return fenced(text).map((block, index) => ({ package: each, from: `src/${file}, block ${index + 1}`, ...block }));
  });
}

const fenced = (markdown) =>
  [...markdown.matchAll(/^```ts( run)?\n(.*?)^```/gms)].map(([, run, text]) => ({ text, runs: run !== undefined }));

const readmes = packages.map((each) => ({ name: each.name, examples: readmeExamples(each) }));
const examples = [...readmes.flatMap((each) => each.examples), ...packages.flatMap(commentExamples)].map(
  (example, index) => ({
    ...example,
    title: `${example.package.name}: ${example.from}`,
    file: `${example.package.path.replaceAll('/', '-')}/example-${index}.ts`,
  }),
);

/** An empty project that has everything installed. */
let project;
let compiled;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'ekiben-examples-'));
  link(join(root, 'node_modules/@types/node'), '@types/node');
  for (const each of packages) link(each.dir, each.name);
  for (const { package: each, file, text } of examples) {
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text);
    // The third-party packages that a README may use are those of its package.
    for (const dependency of Object.keys({ ...each.manifest.dependencies, ...each.manifest.devDependencies })) {
      link(join(each.dir, 'node_modules', dependency), dependency, dirname(file));
    }
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8'));
  const ours = { composite: false, declaration: false, declarationMap: false, sourceMap: false, noUnusedLocals: false };
  const tsconfig = {
    compilerOptions: { ...compilerOptions, ...ours, outDir: '.' },
    include: ['**/*.ts'],
    exclude: ['**/node_modules'],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(tsconfig));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  compiled = spawnSync(process.execPath, [tsc, '-p', project], { cwd: project, encoding: 'utf8' }).stdout;
}, 120_000);
afterAll(() => rmSync(project, { recursive: true }));

test.each(readmes)('$name: the README has a first ts block', ({ examples: found }) => {
  expect(found.length).toBeGreaterThan(0);
});

test.each(examples)('$title compiles', ({ file }) => {
  expect(compiled.split('\n').filter((line) => line.startsWith(file))).toEqual([]);
  expect(existsSync(join(project, file.replace(/ts$/, 'js')))).toBe(true);
});

test('nothing else is wrong with the project of the examples', () => {
  expect(
    compiled.split('\n').filter((line) => /error TS/.test(line) && !examples.some(({ file }) => line.startsWith(file))),
  ).toEqual([]);
});

test.each(examples.filter(({ runs }) => runs))('$title runs', ({ file }) => {
  const run = spawnSync(process.execPath, [basename(file, '.ts') + '.js'], {
    cwd: join(project, dirname(file)),
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
});

function link(target, name, folder = '.') {
  const path = join(project, folder, 'node_modules', name);
  if (!existsSync(target) || existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
}
