// A registry in this process, small and well-behaved but where a test makes it otherwise.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Faults {
  /** Called first; true when it has answered, or broken the connection. */
  before?: ((request: IncomingMessage, response: ServerResponse, url: URL) => boolean) | undefined;
  /** What has come of a part when the connection breaks, once. */
  breakAfterBytes?: number | undefined;
  /** `refuse` parts as GHCR does large ones, or `drop` all but the first as ECR does. */
  parts?: 'refuse' | 'drop' | undefined;
  /** Whether a redirect leads to the bytes. */
  storage?: string | undefined;
  /** Of what a blob is answered with. */
  tamper?: ((bytes: Buffer) => Buffer) | undefined;
  basic?: { readonly user: string; readonly password: string } | undefined;
  /** Lists referrers by itself, and says so. */
  referrers?: boolean | undefined;
}

export interface TestRegistry {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly blobs: Map<string, Buffer>;
  /** By repository and tag or digest. */
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
  /** Method and path of what was asked, in order. */
  readonly log: string[];
  readonly uploads: Map<string, Buffer>;
  faults: Faults;
  close(): Promise<void>;
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export async function startRegistry(faults: Faults = {}): Promise<TestRegistry> {
  const registry: Omit<TestRegistry, 'host' | 'close'> = {
    blobs: new Map(),
    manifests: new Map(),
    uploads: new Map(),
    log: [],
    faults,
  };
  const server = createServer((request, response) => {
    answer(registry, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(registry, {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

async function answer(
  registry: Omit<TestRegistry, 'host' | 'close'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', headers } = request;
  const url = new URL(request.url ?? '/', 'http://registry');
  registry.log.push(`${method} ${url.pathname}${url.search}`);
  const { faults, blobs, manifests } = registry;
  const say = (status: number, more: Record<string, string | number> = {}, body: Uint8Array | string = ''): void => {
    response.writeHead(status, more);
    response.end(body);
  };
  if (faults.before?.(request, response, url) === true) return;
  if (faults.basic !== undefined) {
    const wanted = `Basic ${Buffer.from(`${faults.basic.user}:${faults.basic.password}`).toString('base64')}`;
    if (headers.authorization !== wanted) return say(401, { 'www-authenticate': 'Basic realm="test"' });
  }
  const [, repository = '', kind = '', rest = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/.exec(url.pathname) ?? [];
  if (kind === 'manifests') {
    const key = `${repository}:${rest}`;
    if (method === 'PUT') {
      const bytes = await read(request);
      manifests.set(key, { type: headers['content-type'] ?? '', bytes });
      return say(201, faults.referrers === true ? { 'oci-subject': 'sha256:' } : {});
    }
    const found = manifests.get(key);
    return found === undefined ? say(404) : say(200, { 'content-type': found.type }, found.bytes);
  }
  if (rest.startsWith('uploads/'))
    return upload(registry, request, response, repository, rest.slice('uploads/'.length));
  const blob = blobs.get(rest);
  if (blob === undefined) return say(404);
  if (method === 'HEAD') return say(200, { 'content-length': blob.length });
  if (faults.storage !== undefined) return say(307, { location: `${faults.storage}/${rest}` });
  const bytes = faults.tamper?.(blob) ?? blob;
  const from = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
  if (faults.breakAfterBytes !== undefined) {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, faults.breakAfterBytes), () => response.destroy());
    delete faults.breakAfterBytes;
    return;
  }
  say(from > 0 ? 206 : 200, {}, bytes.subarray(from));

  async function read(incoming: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

async function upload(
  { faults, blobs, uploads }: Omit<TestRegistry, 'host' | 'close'>,
  request: IncomingMessage,
  response: ServerResponse,
  repository: string,
  id: string,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://registry');
  const say = (status: number, more: Record<string, string> = {}): void => {
    response.writeHead(status, more);
    response.end();
  };
  const where = (upload: string) => ({
    location: `/v2/${repository}/blobs/uploads/${upload}`,
    range: `0-${Math.max((uploads.get(upload)?.length ?? 0) - 1, 0)}`,
  });
  if (request.method === 'POST') {
    const mounted = url.searchParams.get('mount');
    if (mounted !== null && blobs.has(mounted)) return say(201);
    const fresh = randomUUID();
    uploads.set(fresh, Buffer.alloc(0));
    return say(202, where(fresh));
  }
  const before = uploads.get(id);
  if (before === undefined) return say(404);
  if (request.method === 'GET') return say(204, where(id));
  const isPart = request.method === 'PATCH';
  if (isPart && faults.parts === 'refuse') return say(416);
  let now = before;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    now = Buffer.concat([now, chunk]);
    if (faults.breakAfterBytes !== undefined && now.length >= faults.breakAfterBytes) {
      uploads.set(id, now.subarray(0, faults.breakAfterBytes));
      delete faults.breakAfterBytes;
      response.destroy();
      return;
    }
  }
  const isDropped = isPart && faults.parts === 'drop' && before.length > 0;
  uploads.set(id, isDropped ? before : now);
  if (isPart) return say(202, where(id));
  const digest = url.searchParams.get('digest') ?? '';
  if (sha256(now) !== digest) return say(400);
  blobs.set(digest, now);
  uploads.delete(id);
  say(201);
}
