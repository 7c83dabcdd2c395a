import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from '@jest/globals';

const bin = path.join(import.meta.dirname, '../dist/bin.js');
const parent = path.join(import.meta.dirname, '..', 'node_modules', '.cache');

test('prints the document of a service that is not served', async () => {
  await mkdir(parent, { recursive: true });
  const project = await mkdtemp(path.join(parent, 'openapi-'));
  await writeFile(
    path.join(project, 'service.mjs'),
    `import { text } from '@ekiben/io-descriptors';
     import { Service } from '@ekiben/service';
     export const svc = new Service('echo').api('shout', { input: text(), output: text() }, (words) => words);`,
  );
  const printed = execFileSync(process.execPath, [bin, 'openapi', 'service.mjs:svc', '--version', 'v7'], {
    cwd: project,
    encoding: 'utf8',
  });
  expect(JSON.parse(printed)).toMatchObject({
    openapi: '3.0.3',
    info: { title: 'echo', version: 'v7' },
    paths: { '/shout': { post: { 'x-bentoml-name': 'shout' } } },
  });
  await rm(project, { recursive: true });
});
