import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { loadService } from '../src/load-service.ts';
import { makeProject } from './project.ts';

let project: string;

beforeEach(async () => {
  project = await realpath(await makeProject('project'));
});
afterEach(() => rm(project, { recursive: true }));

async function write(name: string, source: string): Promise<void> {
  const file = path.join(project, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, source);
}

const service = (name: string) =>
  `import { Service } from '@ekiben/service';\nexport const ${name} = new Service('${name}');\n`;

test('a file and its export', async () => {
  await write('a.mjs', service('first') + service('second').replace(/^import.*\n/, ''));
  const loaded = await loadService('a.mjs:second', project);
  expect(loaded).toMatchObject({ exportName: 'second', module: path.join(project, 'a.mjs') });
  expect(loaded.service.name).toBe('second');
});

test('a file that exports one service needs no name', async () => {
  await write('a.mjs', `${service('only')}export const other = 1;\n`);
  expect((await loadService('a.mjs', project)).exportName).toBe('only');
});

test('TypeScript is compiled, its own files are bundled, and import.meta.url stays that of the source', async () => {
  await write('lib/name.ts', "export const name: string = 'typed';\nexport const here: string = import.meta.url;\n");
  await write('svc.ts', `${service('svc')}export { here, name } from './lib/name.js';\n`);
  const { module, service: svc } = await loadService('svc.ts:svc', project);
  expect(svc.name).toBe('svc');
  expect(path.relative(project, module)).toMatch(/^node_modules\/\.cache\/ekiben\/svc-[0-9a-f]{16}\.mjs$/);
  const exports = (await import(module)) as { here: string; name: string };
  expect(exports.name).toBe('typed');
  expect(exports.here).toBe(`file://${project}/lib/name.ts`);
});

test('a folder: package.json says which service, or a conventional file has it', async () => {
  await write('src/service.mjs', service('declared'));
  await write('service.js', service('conventional'));
  expect((await loadService(project)).service.name).toBe('conventional');
  await write('package.json', '{ "type": "module", "ekiben": { "service": "src/service.mjs:declared" } }');
  expect((await loadService('.', project)).service.name).toBe('declared');
});

test('a service of another copy of the package is recognised', async () => {
  await write('a.mjs', 'export const svc = { name: "foreign", api() {}, fetch() {} };\n');
  expect((await loadService('a.mjs', project)).service.name).toBe('foreign');
});

test.each([
  ['nowhere.ts:svc', /no file or folder .*nowhere\.ts; name a file and its export/],
  ['nowhere', /no file or folder .*nowhere/],
  ['.', /has no service: add src\/service\.ts/],
  ['none.mjs', /exports no Service; add/],
  ['two.mjs', /several Services \(a, b\); name one, such as two\.mjs:a/],
  ['two.mjs:c', /exports no Service named "c"; it exports a, b\./],
  ['none.mjs:svc', /exports no Service named "svc"; it exports no Service at all\./],
])('%s: says what would be right', async (target, message) => {
  await write('none.mjs', 'export const x = 1;\n');
  await write('two.mjs', service('a') + service('b').replace(/^import.*\n/, ''));
  await expect(loadService(target, project)).rejects.toMatchObject({
    code: 'EKIBEN_SERVICE_NOT_FOUND',
    message: expect.stringMatching(message),
  });
});

test('a package.json that names no file, or is no JSON, is named', async () => {
  await write('package.json', '{ "ekiben": { "service": "." } }');
  await expect(loadService(project)).rejects.toThrow(/package\.json names the service "\.", but there is no such file/);
  await write('package.json', '{ "ekiben": ');
  await expect(loadService(project)).rejects.toThrow(/package\.json is no JSON/);
});

test('a syntax error names file, line, column and shows the line', async () => {
  await write('bad.ts', 'export const fine = 1;\nexport const svc = = 2;\n');
  await expect(loadService('bad.ts:svc', project)).rejects.toMatchObject({
    code: 'EKIBEN_COMPILE_FAILED',
    message: expect.stringMatching(/bad\.ts does not compile[\s\S]*bad\.ts:2:19[\s\S]*export const svc = = 2;/),
  });
});

test('an import that is not there is named', async () => {
  await write('bad.ts', "import { x } from './nope.js';\nexport const svc = x;\n");
  await expect(loadService('bad.ts:svc', project)).rejects.toMatchObject({
    code: 'EKIBEN_COMPILE_FAILED',
    message: expect.stringContaining('Could not resolve "./nope.js"'),
  });
});

test('what the module itself throws is not disguised', async () => {
  await write('throws.ts', "throw new RangeError('of its own');\n");
  await expect(loadService('throws.ts', project)).rejects.toThrow('of its own');
});
