import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { includedFiles } from '../src/included.ts';
import { findSecrets } from '../src/secrets.ts';
import { project, temporary } from './support.ts';

const paths = async (folder: string, include: string[] = ['*'], exclude: string[] = []) =>
  (await includedFiles(folder, include, exclude)).map(({ path }) => path);

test('takes what `include` names, without `exclude` and what .bentoignore says in any folder', async () => {
  const folder = await project({
    'src/service.ts': '',
    'src/service.test.ts': '',
    'src/data/table.csv': '',
    'src/data/huge.csv': '',
    'src/data/.bentoignore': '# large\nhuge.*\n',
    'README.md': '',
    '.bentoignore': '/README.md\n',
  });
  expect(await paths(folder)).toEqual(['src/data/table.csv', 'src/service.test.ts', 'src/service.ts']);
  expect(await paths(folder, ['src/*.ts'], ['*.test.ts'])).toEqual(['src/service.ts']);
});

test('never takes what holds secrets by its name, nor what is made anew', async () => {
  const folder = await project({
    'a.ts': '',
    '.env': '',
    'sub/.env.production': '',
    '.env.example': '',
    '.npmrc': '',
    'tls/server.key': '',
    'tls/server.pem': '',
    id_rsa: '',
    '.git/config': '',
    'node_modules/x/index.js': '',
    '.aws/credentials': '',
  });
  expect(await paths(folder, ['*', '.env', 'node_modules'])).toEqual(['.env.example', 'a.ts']);
});

test('a link inside of the project is the file; one that leads out is refused', async () => {
  const folder = await project({ 'data/real.txt': 'x' });
  await symlink('real.txt', join(folder, 'data/link.txt'));
  expect(await paths(folder)).toEqual(['data/link.txt', 'data/real.txt']);
  await symlink(await temporary(), join(folder, 'out'));
  await expect(paths(folder)).rejects.toMatchObject({
    code: 'EKIBEN_INCLUDE_REFUSED',
    message: expect.stringContaining('out is a link that leads out of the project'),
  });
});

/** Put together, so that this file has no secret in it either. */
const SECRETS: readonly (readonly [string, string])[] = [
  ['a private key', ['-----BEGIN RSA PRIVATE', ' KEY-----'].join('')],
  ['a private key', ['-----BEGIN PRIVATE', ' KEY-----'].join('')],
  ['an AWS access key', `AKIA${'ABCDEFGHIJ234567'}`],
  ['a GitHub token', `ghp_${'a'.repeat(36)}`],
  ['an npm token', `npm_${'b'.repeat(36)}`],
  ['a token for a package registry', `//packages.example/:_authToken=${'c'.repeat(20)}`],
  ['a GitLab token', `glpat-${'d'.repeat(20)}`],
  ['a Slack token', `xoxb-${'1'.repeat(24)}`],
  ['a Stripe key', `sk_live_${'e'.repeat(24)}`],
  ['a Google API key', `AIza${'f'.repeat(35)}`],
  ['a Hugging Face token', `hf_${'g'.repeat(34)}`],
];

test.each(SECRETS)('finds %s, and says the line', (kind, secret) => {
  expect(findSecrets(Buffer.from(`one\ntwo\nconst key = '${secret}';\n`))).toEqual([{ line: 3, kind }]);
});

test.each([
  'AKIAIOSFODNN7EXAMPLE',
  '//packages.example/:_authToken=${NPM_TOKEN}',
  '-----BEGIN CERTIFICATE-----',
  'the npm_config_registry variable',
])('is not alarmed by %s', (text) => expect(findSecrets(Buffer.from(text))).toEqual([]));
