// Docker's configuration, and real programs as its helpers.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findCredentials } from '../src/images/credentials.ts';
import { temporary } from './support.ts';

let directory: string;
const path = process.env['PATH'];
beforeEach(async () => {
  directory = await temporary();
  mkdirSync(join(directory, 'bin'));
  process.env['PATH'] = `${join(directory, 'bin')}${delimiter}${path}`;
});
afterEach(() => {
  process.env['PATH'] = path;
});

function configure(config: object): void {
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}

/** A helper that answers as the script says; the server is on its standard input. */
function helper(name: string, script: string): void {
  const file = join(directory, 'bin', `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n[ "$1" = get ] || exit 2\nread -r server\n${script}\n`);
  chmodSync(file, 0o755);
}

const auth = Buffer.from('me:se:cret').toString('base64');

test('nobody is logged in where there is no file', async () => {
  expect(await findCredentials('ghcr.io', directory)).toBeUndefined();
});

test.each([
  ['ghcr.io', 'ghcr.io'],
  ['ghcr.io', 'https://ghcr.io'],
  ['localhost:5000', 'localhost:5000'],
  ['quay.io', 'https://quay.io/v2/'],
  ['docker.io', 'https://index.docker.io/v1/'],
])('the password for %s is under %s', async (registry, key) => {
  configure({ auths: { 'another.example.com': { auth: 'eDp5' }, [key]: { auth } } });
  expect(await findCredentials(registry, directory)).toMatchObject({
    username: 'me',
    password: 'se:cret',
    source: join(directory, 'config.json'),
  });
  expect(await findCredentials('third.example.com', directory)).toBeUndefined();
});

test('an identity token', async () => {
  configure({ auths: { 'ghcr.io': { auth: Buffer.from('x:').toString('base64'), identitytoken: 'token' } } });
  expect(await findCredentials('ghcr.io', directory)).toMatchObject({ identityToken: 'token' });
});

test('an entry that `docker login` left empty for its store', async () => {
  configure({ auths: { 'ghcr.io': {} } });
  expect(await findCredentials('ghcr.io', directory)).toBeUndefined();
});

test('a helper of the registry counts before the store, and the store before the file', async () => {
  helper('one', `echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"s1\\"}"`);
  helper(
    'all',
    `[ "$server" = unknown.io ] && { echo credentials not found in native keychain; exit 1; }
echo '{"Username":"<token>","Secret":"s2"}'`,
  );
  configure({ credHelpers: { 'ghcr.io': 'one' }, credsStore: 'all', auths: { 'unknown.io': { auth } } });
  expect(await findCredentials('ghcr.io', directory)).toMatchObject({
    username: 'ghcr.io',
    password: 's1',
    source: 'docker-credential-one',
  });
  expect(await findCredentials('quay.io', directory)).toMatchObject({ username: '', identityToken: 's2' });
  expect(await findCredentials('unknown.io', directory)).toMatchObject({ username: 'me' });
});

test.each([
  ['is not installed', 'missing', ''],
  ['the keychain is locked', 'locked', 'echo the keychain is locked >&2; exit 1'],
  ['printed no credentials', 'odd', 'echo secret-that-is-not-json'],
])('a helper that fails: %s', async (why, name, script) => {
  if (script !== '') helper(name, script);
  configure({ credsStore: name });
  const error = (await findCredentials('ghcr.io', directory).catch((each: unknown) => each)) as Error;
  expect(error).toMatchObject({ code: 'EKIBEN_CREDENTIALS_FAILED' });
  expect(error.message).toContain(why);
  expect(error.message).not.toContain('secret-that');
});

test('a helper is a name, never a path', async () => {
  configure({ credsStore: '../../bin/sh' });
  await expect(findCredentials('ghcr.io', directory)).rejects.toMatchObject({ code: 'EKIBEN_CREDENTIALS_FAILED' });
});

test('a file that is no configuration', async () => {
  writeFileSync(join(directory, 'config.json'), '{');
  await expect(findCredentials('ghcr.io', directory)).rejects.toMatchObject({ code: 'EKIBEN_CREDENTIALS_FAILED' });
});
