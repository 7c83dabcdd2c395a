// What a registry does, and what it does wrong.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../src/images/credentials.ts';
import { bytesBlob, jsonBlob } from '../src/images/layout.ts';
import { MEDIA_TYPES } from '../src/images/manifest.ts';
import { pushImage, type PushedImage, type PushOptions } from '../src/images/push.ts';
import { parseReference } from '../src/images/reference.ts';
import { parseChallenge, Registry } from '../src/images/registry.ts';
import { sha256, startRegistry, type TestRegistry } from './registry-server.ts';

let registry: TestRegistry;
let sessions: string;
beforeEach(async () => {
  registry = await startRegistry();
  sessions = mkdtempSync(join(tmpdir(), 'ekiben-sessions-'));
});
afterEach(async () => {
  await registry.close();
  rmSync(sessions, { recursive: true });
});

const nobody = async (): Promise<Credentials | undefined> => undefined;
const somebody = async (): Promise<Credentials> => ({
  username: 'me',
  password: 'secret',
  identityToken: undefined,
  source: 'config.json',
});

const large = randomBytes(50_000);
const partBytes = 10_000;

function imageOf(...names: string[]): PushedImage {
  const layer = bytesBlob(MEDIA_TYPES.layer, large);
  const config = jsonBlob(MEDIA_TYPES.config, { os: 'linux' });
  const top = jsonBlob(MEDIA_TYPES.manifest, { config, layers: [layer] });
  const images = (names.length === 0 ? ['team/risk:1'] : names).map((name) => `${registry.host}/${name}`);
  return { images, top, manifests: [top], blobs: [layer, config], sbom: undefined };
}

async function push(image: PushedImage, options: Partial<PushOptions> = {}): Promise<void> {
  await pushImage(image, { sessions, credentials: nobody, pauseMs: 1, partBytes, ...options });
}

function asked(pattern: RegExp): readonly string[] {
  return registry.log.filter((line) => pattern.test(line));
}

test('an image is there under its name, which comes last', async () => {
  const image = imageOf();
  await push(image);
  expect(registry.manifests.get('team/risk:1')?.bytes).toEqual(Buffer.from(image.top.bytes));
  expect(registry.blobs.get(sha256(large))).toEqual(large);
  expect(registry.log.at(-1)).toBe('PUT /v2/team/risk/manifests/1');
});

test('what is there is not sent again', async () => {
  await push(imageOf());
  registry.log.length = 0;
  await push(imageOf());
  expect(asked(/^(?:POST|PATCH|PUT .*blobs)/)).toEqual([]);
});

test('several names in several repositories', async () => {
  await push(imageOf('a:1', 'a:2', 'b/c:latest'));
  for (const name of ['a:1', 'a:2', 'b/c:latest']) expect(registry.manifests.has(name)).toBe(true);
  expect(asked(/PATCH \/v2\/a\//).length).toBe(4);
});

test('a large blob goes in parts, and the last part closes it', async () => {
  await push(imageOf());
  expect(asked(/^PATCH/).length).toBe(4);
  expect(asked(/^PUT .*uploads/).length).toBe(2);
});

test.each(['refuse', 'drop'] as const)(
  'where a registry should %s parts, the blob goes in one piece',
  async (parts) => {
    registry.faults = { parts };
    await push(imageOf());
    expect(registry.blobs.get(sha256(large))).toEqual(large);
    registry.log.length = 0;
    registry.blobs.clear();
    await push(imageOf());
    expect(asked(/^PATCH/)).toEqual([]);
  },
);

test('a connection that breaks in a part: the rest is sent from where the registry got to', async () => {
  registry.faults = { breakAfterBytes: 25_000 };
  const sent: number[] = [];
  await push(imageOf(), { onProgress: ({ done = 0 }) => void sent.push(done) });
  expect(registry.blobs.get(sha256(large))).toEqual(large);
  expect(asked(/^POST/).length).toBe(2); // the blob and the configuration
  expect(asked(/^GET .*uploads/).length).toBe(1);
});

test('a push that was ended goes on with the next one', async () => {
  const end = new AbortController();
  registry.faults = {
    before: (request, response) => {
      if (request.method !== 'PATCH' || asked(/^PATCH/).length < 3) return false;
      end.abort(new Error('enough'));
      response.destroy();
      return true;
    },
  };
  await expect(push(imageOf(), { signal: end.signal })).rejects.toThrow('enough');
  registry.faults = {};
  registry.log.length = 0;
  await push(imageOf());
  expect(registry.blobs.get(sha256(large))).toEqual(large);
  expect(asked(/^PATCH/).length).toBe(2);
});

test('an upload that the registry has forgotten begins anew', async () => {
  registry.faults = {
    before: (request, response) => {
      if (request.method !== 'PATCH' || registry.uploads.get([...registry.uploads.keys()][0] ?? '')?.length === 0)
        return false;
      registry.uploads.clear();
      registry.faults = {};
      response.destroy();
      return true;
    },
  };
  await push(imageOf());
  expect(registry.blobs.get(sha256(large))).toEqual(large);
});

test('a registry that dies: an error, and the name does not mean half an image', async () => {
  registry.faults = {
    before: (request, response) => {
      if (request.method !== 'PATCH' && request.method !== 'PUT') return false;
      response.destroy();
      return true;
    },
  };
  await expect(push(imageOf())).rejects.toMatchObject({
    code: 'EKIBEN_REGISTRY_FAILED',
    message: expect.stringContaining(registry.host),
  });
  expect(registry.manifests.size).toBe(0);
});

test('one that is busy is asked again, and believed in how long to wait', async () => {
  let busy = 2;
  registry.faults = {
    before: (_request, response) => {
      if (busy-- <= 0) return false;
      response.writeHead(busy === 0 ? 429 : 503, { 'retry-after': '0' }).end();
      return true;
    },
  };
  await push(imageOf());
  expect(registry.manifests.has('team/risk:1')).toBe(true);
});

test('a blob of the base is mounted from where it is', async () => {
  registry.blobs.set(sha256(large), large);
  registry.faults = {
    // As if the blob were in the other repository only.
    before: (request, response) => {
      if (request.method !== 'HEAD') return false;
      response.writeHead(404).end();
      return true;
    },
  };
  await push(imageOf(), { base: { registry: registry.host, repository: 'library/base' } });
  expect(asked(/mount=.*from=library%2Fbase/).length).toBe(2);
  expect(asked(/^PATCH/)).toEqual([]);
});

test('the bill of materials refers to the image, by a tag where the registry lists nothing', async () => {
  const image = { ...imageOf(), sbom: Buffer.from('{"bomFormat":"CycloneDX"}') };
  await push(image);
  const listed = registry.manifests.get(`team/risk:${image.top.digest.replace(':', '-')}`);
  const { manifests } = JSON.parse(String(listed?.bytes)) as { manifests: { digest: string; artifactType: string }[] };
  expect(manifests).toMatchObject([{ artifactType: 'application/vnd.cyclonedx+json' }]);
  const referrer = JSON.parse(String(registry.manifests.get(`team/risk:${manifests[0]?.digest}`)?.bytes)) as object;
  expect(referrer).toMatchObject({ subject: { digest: image.top.digest }, layers: [{ digest: sha256(image.sbom) }] });
  registry.manifests.clear();
  registry.faults = { referrers: true };
  await push(image);
  expect([...registry.manifests.keys()].some((key) => key.includes(':sha256-'))).toBe(false);
});

test('a wrong password is said, and is not in what is said', async () => {
  registry.faults = { basic: { user: 'me', password: 'another' } };
  const error: unknown = await push(imageOf(), { credentials: somebody }).catch((each: unknown) => each);
  expect(error).toMatchObject({ code: 'EKIBEN_REGISTRY_DENIED' });
  expect(String(error)).toContain('"me" of config.json');
  expect(String(error)).not.toContain('secret');
  await expect(push(imageOf())).rejects.toMatchObject({ message: expect.stringContaining('docker login') });
});

test('a password is sent where it is asked for', async () => {
  registry.faults = { basic: { user: 'me', password: 'secret' } };
  await push(imageOf(), { credentials: somebody });
  expect(registry.manifests.has('team/risk:1')).toBe(true);
});

/** Lets in who has a token of `/token`. */
function tokens(accept: (query: URLSearchParams, authorization: string | undefined) => boolean, realm?: string) {
  registry.faults = {
    before: (request, response, url) => {
      if (url.pathname === '/token') {
        const isGood = accept(url.searchParams, request.headers.authorization);
        response.writeHead(isGood ? 200 : 401).end(JSON.stringify({ token: 'a-token' }));
        return true;
      }
      if (request.headers.authorization === 'Bearer a-token') return false;
      const at = realm ?? `http://${registry.host}/token`;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${at}",service="registry, mine"` }).end();
      return true;
    },
  };
}

test('a token is fetched for what is to be done, with the password', async () => {
  const scopes: string[] = [];
  tokens((query, authorization) => {
    scopes.push(...query.getAll('scope'), query.get('service') ?? '');
    return authorization === `Basic ${Buffer.from('me:secret').toString('base64')}`;
  });
  await push(imageOf(), { credentials: somebody, base: { registry: registry.host, repository: 'base' } });
  expect(scopes.slice(0, 3)).toEqual(['repository:team/risk:pull,push', 'repository:base:pull', 'registry, mine']);
  tokens(() => false);
  await expect(push(imageOf(), { credentials: somebody })).rejects.toMatchObject({ code: 'EKIBEN_REGISTRY_DENIED' });
});

test('an identity token is exchanged', async () => {
  registry.faults = {
    before: (request, response, url) => {
      if (url.pathname === '/token') {
        const isPost = request.method === 'POST';
        request.resume();
        response.writeHead(isPost ? 200 : 401).end(JSON.stringify({ access_token: 'a-token' }));
        return true;
      }
      if (request.headers.authorization === 'Bearer a-token') return false;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${registry.host}/token"` }).end();
      return true;
    },
  };
  await push(imageOf(), {
    credentials: async () => ({ username: '', password: '', identityToken: 'refresh', source: 'helper' }),
  });
  expect(registry.manifests.has('team/risk:1')).toBe(true);
});

test.each(['ftp://127.0.0.1/token', 'nothing', 'file:///etc/passwd'])('no password goes to %s', async (realm) => {
  tokens(() => true, realm);
  await expect(push(imageOf(), { credentials: somebody })).rejects.toMatchObject({ code: 'EKIBEN_REGISTRY_FAILED' });
});

function reader(options = {}): Registry {
  return new Registry(parseReference(`${registry.host}/team/risk`), 'pull', {
    credentials: nobody,
    pauseMs: 1,
    ...options,
  });
}

async function download(bytes: Uint8Array, options = {}): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const descriptor = { mediaType: MEDIA_TYPES.layer, digest: sha256(bytes), size: bytes.length };
  for await (const chunk of reader(options).blob(descriptor)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('a download that breaks goes on where it broke', async () => {
  registry.blobs.set(sha256(large), large);
  registry.faults = { breakAfterBytes: 30_000 };
  expect(await download(large)).toEqual(large);
});

test('bytes without end are refused', async () => {
  registry.blobs.set(sha256(large), large);
  registry.faults = { tamper: (bytes) => Buffer.concat([bytes, bytes]) };
  await expect(download(large)).rejects.toMatchObject({ code: 'EKIBEN_IMAGE_INVALID' });
});

test('the storage behind a registry does not learn who asks', async () => {
  const storage = await startRegistry();
  const seen: (string | undefined)[] = [];
  storage.faults = {
    before: (request, response) => {
      seen.push(request.headers.authorization);
      response.end(large);
      return true;
    },
  };
  registry.blobs.set(sha256(large), large);
  registry.faults = { basic: { user: 'me', password: 'secret' }, storage: `http://${storage.host}` };
  expect(await download(large, { credentials: somebody })).toEqual(large);
  expect(seen).toEqual([undefined]);
  await storage.close();
});

test('redirects end', async () => {
  registry.blobs.set(sha256(large), large);
  registry.faults = { storage: `http://${registry.host}/v2/team/risk/blobs` };
  await expect(download(large)).rejects.toMatchObject({ code: 'EKIBEN_REGISTRY_FAILED' });
});

test('a manifest without end is refused', async () => {
  registry.manifests.set('team/risk:1', { type: MEDIA_TYPES.manifest, bytes: Buffer.alloc(5_000_000) });
  await expect(reader().manifest('1')).rejects.toMatchObject({ code: 'EKIBEN_IMAGE_INVALID' });
});

test('what a registry says is one line of a terminal', async () => {
  const message = `no\u001b[2J\n${'x'.repeat(1000)}`;
  registry.faults = {
    before: (_request, response) => {
      response.writeHead(400).end(JSON.stringify({ errors: [{ code: 'BAD', message }] }));
      return true;
    },
  };
  const error = (await reader()
    .manifest('1')
    .catch((each: unknown) => each)) as Error;
  expect(error.message).toMatch(/answered 400: BAD no \[2J x+ \(team\/risk\)\.$/);
  expect(error.message.length).toBeLessThan(300);
});

test('one that is not there', async () => {
  await registry.close();
  await expect(reader().manifest('1')).rejects.toMatchObject({
    code: 'EKIBEN_REGISTRY_FAILED',
    message: expect.stringContaining('ECONNREFUSED'),
  });
  registry = await startRegistry();
});

test.each([
  [
    'Bearer realm="https://a/b?c=d",service="x",scope="repository:a/b:pull,push"',
    'bearer',
    { realm: 'https://a/b?c=d', service: 'x', scope: 'repository:a/b:pull,push' },
  ],
  ['basic Realm=plain', 'basic', { realm: 'plain' }],
  ['Bearer realm="with \\"quotes\\""', 'bearer', { realm: 'with "quotes"' }],
  ['', '', {}],
])('reads the challenge %s', (header, scheme, parameters) => {
  const read = parseChallenge(header);
  expect(read.scheme).toBe(scheme);
  expect(Object.fromEntries(read.parameters)).toEqual(parameters);
});
