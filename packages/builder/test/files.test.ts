import { writeFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { includedFiles } from '../src/included.ts';
import { MAX_INCLUDED_FILES } from '../src/limits.ts';
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

test.each<[string, string[], string[], string[]]>([
  ['a pattern with a slash is of the root', ['src/*.ts'], [], ['src/a.ts']],
  ['one without is of every folder', ['*.ts'], [], ['a.ts', 'src/a.ts', 'src/sub/a.ts']],
  ['a folder is all that is in it', ['src/sub'], [], ['src/sub/A.TXT', 'src/sub/a.ts']],
  ['** is any folders', ['src/**/a.*'], [], ['src/a.ts', 'src/sub/a.ts']],
  ['case counts', ['*.txt'], [], []],
  [
    'the last pattern that fits counts',
    ['*', '!src/sub/**', 'src/sub/A.TXT'],
    [],
    ['a.ts', 'src/a.ts', 'src/sub/A.TXT'],
  ],
  ['also below a folder that is excluded', ['*'], ['src/', '!src/sub/a.ts'], ['a.ts', 'src/sub/a.ts']],
  ['a comment is none', ['# all', '/a.ts'], [], ['a.ts']],
])('as pathspec has it in BentoML: %s', async (_what, include, exclude, expected) => {
  const folder = await project({ 'a.ts': '', 'src/a.ts': '', 'src/sub/a.ts': '', 'src/sub/A.TXT': '' });
  expect(await paths(folder, include, exclude)).toEqual(expected);
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

test('a link to a folder is what is in it; a link to a secret, or to a folder above itself, is not followed', async () => {
  const folder = await project({ 'data/real.txt': 'x', '.env': 'x', 'a/b.txt': '' });
  await symlink('../data', join(folder, 'a/linked'));
  await symlink('.env', join(folder, 'innocent.txt'));
  expect(await paths(folder)).toEqual(['a/b.txt', 'a/linked/real.txt', 'data/real.txt']);
  await symlink('..', join(folder, 'a/up'));
  await expect(paths(folder)).rejects.toMatchObject({
    code: 'EKIBEN_INCLUDE_REFUSED',
    message: expect.stringContaining('a/up is a link that leads to a folder that it is in'),
  });
});

test('far too many files are refused, and what to do about it is said', async () => {
  const folder = await project({});
  for (let n = 0; n <= MAX_INCLUDED_FILES; n++) writeFileSync(join(folder, `${n}`), '');
  await expect(paths(folder)).rejects.toMatchObject({
    code: 'EKIBEN_INCLUDE_REFUSED',
    message: expect.stringContaining("name those it needs in 'include'"),
  });
  expect(await paths(folder, ['*'], ['[1-9]*'])).toEqual(['0']);
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
