// Who we are for a registry: as `docker login` left it in `config.json`, or as a credential helper says
// (https://github.com/docker/docker-credential-helpers).
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { DOCKER_CONFIG_MAX_BYTES } from './limits.ts';
import { isObject } from './manifest.ts';
import { DOCKER_HUB } from './reference.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** In place of a password: what a token server takes for a token. */
  readonly identityToken: string | undefined;
  /** Where they were found, for errors. */
  readonly source: string;
}

/** A helper may ask a person, or a service far away. */
const HELPER_TIMEOUT_MS = 60_000;
/** What Docker files the Hub's credentials under. */
const HUB_KEY = 'https://index.docker.io/v1/';
/** A helper's name is a part of a program's name, never a path. */
const HELPER_NAME = /^[A-Za-z0-9][\w.-]*$/;

/**
 * @param registry - host, and port where there is one
 * @returns undefined where nobody is logged in
 * @throws EKIBEN_CREDENTIALS_FAILED
 */
export async function findCredentials(
  registry: string,
  directory: string = process.env['DOCKER_CONFIG'] || join(homedir(), '.docker'),
): Promise<Credentials | undefined> {
  const file = join(directory, 'config.json');
  const config = await readDockerConfig(file);
  const key = registry === DOCKER_HUB ? HUB_KEY : registry;
  const helpers = isObject(config['credHelpers']) ? config['credHelpers'] : {};
  const helper = helpers[key] ?? helpers[registry] ?? config['credsStore'];
  if (typeof helper === 'string' && helper !== '') {
    const found = await askHelper(helper, key, file);
    if (found !== undefined) return found;
  }
  const auths = isObject(config['auths']) ? config['auths'] : {};
  const entry = Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
  return isObject(entry) ? readEntry(entry, file) : undefined;
}

async function readDockerConfig(file: string): Promise<Readonly<Record<string, unknown>>> {
  const size = (await stat(file).catch(() => undefined))?.size;
  if (size === undefined) return {};
  if (size > DOCKER_CONFIG_MAX_BYTES) throw failed(`${file} is larger than ${DOCKER_CONFIG_MAX_BYTES} bytes`);
  try {
    const config = JSON.parse(await readFile(file, 'utf8')) as unknown;
    if (isObject(config)) return config;
  } catch (cause) {
    throw failed(`${file} cannot be read: ${(cause as Error).message}`, cause);
  }
  throw failed(`${file} is no JSON object`);
}

/** `https://host/v1/`, `host/v2/` and `host` are one. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function readEntry(entry: Readonly<Record<string, unknown>>, source: string): Credentials | undefined {
  const { auth, username, password, identitytoken } = entry;
  const decoded = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8').replaceAll('\0', '') : '';
  const colon = decoded.indexOf(':');
  const name = typeof username === 'string' ? username : decoded.slice(0, Math.max(colon, 0));
  const secret = typeof password === 'string' ? password : decoded.slice(colon + 1);
  const identityToken = typeof identitytoken === 'string' && identitytoken !== '' ? identitytoken : undefined;
  if (name === '' && identityToken === undefined) return undefined;
  return { username: name, password: secret, identityToken, source };
}

/** What a helper says where it knows nothing of the registry. */
const NOT_FOUND = /credentials not found/i;

async function askHelper(name: string, key: string, file: string): Promise<Credentials | undefined> {
  if (!HELPER_NAME.test(name)) throw failed(`${file} names a credential helper ${JSON.stringify(name)}`);
  const program = `docker-credential-${name}`;
  const { error, stdout, stderr } = await runHelper(program, key);
  if (error !== null) {
    if (NOT_FOUND.test(stdout) || NOT_FOUND.test(stderr)) return undefined;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'is not installed' : `failed: ${(stderr || stdout || error.message).trim().slice(0, 200)}`;
    throw failed(`${program}, which ${file} names for ${key}, ${why}`, error);
  }
  try {
    const { Username, Secret } = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    if (typeof Username === 'string' && typeof Secret === 'string') {
      const isToken = Username === '<token>';
      return {
        username: isToken ? '' : Username,
        password: isToken ? '' : Secret,
        identityToken: isToken ? Secret : undefined,
        source: program,
      };
    }
  } catch {
    // Falls through: what it printed is not shown, since it may be a secret.
  }
  throw failed(`${program} printed no credentials`);
}

interface HelperRun {
  readonly error: Error | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runHelper(program: string, key: string): Promise<HelperRun> {
  return new Promise((resolve) => {
    const options = { timeout: HELPER_TIMEOUT_MS, maxBuffer: DOCKER_CONFIG_MAX_BYTES, env: process.env };
    const child = execFile(program, ['get'], options, (error, stdout, stderr) => resolve({ error, stdout, stderr }));
    // A program that is not there takes no input; that it is not, the callback says.
    child.stdin?.on('error', () => {});
    child.stdin?.end(key);
  });
}

function failed(why: string, cause?: unknown): EkibenError {
  return new EkibenError('EKIBEN_CREDENTIALS_FAILED', `No credentials for the registry: ${why}.`, { cause });
}
