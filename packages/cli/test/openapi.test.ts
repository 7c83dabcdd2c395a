import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';

import { expect, test } from '@jest/globals';

import { bin, makeProject } from './project.ts';

test('prints the document of a service that is not served', async () => {
  const project = await makeProject('openapi', {
    'service.mjs': `import { text } from '@ekiben/io-descriptors';
     import { Service } from '@ekiben/service';
     export const svc = new Service('echo').api('shout', { input: text(), output: text() }, (words) => words);`,
  });
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
