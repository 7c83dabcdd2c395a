// What every service has beside its APIs: documentation, health, metrics; who guards them; how they look behind a proxy.
import { execFile } from 'node:child_process';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Service, openApi } from '@ekiben/service';
import type { Api } from '@ekiben/service';
import { serve } from '../src/index.ts';
import type { RunningServer } from '../src/index.ts';
import { application, bentomlAnswer, credit } from './credit.ts';
import { postJson, statusOf } from './raw.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await serve(credit, { port: 0 });
});
afterAll(() => server.close());

/** What the page at `url` loads, as a browser resolves it. */
async function pageOf(url: string) {
  const html = await (await fetch(url)).text();
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => new URL(link, url));
  const init = await (await fetch(new URL('./swagger-ui-init.js', url))).text();
  const [, docs = ''] = /"url": "([^"]+)"/.exec(init) ?? [];
  return { html, links, docs: new URL(docs, url) };
}

describe('documentation', () => {
  test('the page and all that it loads come from here', async () => {
    const { html, links, docs } = await pageOf(`${server.url}/`);
    expect(html).toContain('<title>credit_risk_classifier</title>');
    expect(links.length).toBeGreaterThanOrEqual(5);
    for (const link of [...links, docs]) {
      expect(link.origin).toBe(server.url);
      expect(await statusOf(link)).toBe(200);
    }
  });

  test('the rest of the UI’s package is not served', async () => {
    for (const file of ['package.json', 'swagger-ui.js', 'index.html', 'swagger-initializer.js', '..%2fpackage.json']) {
      expect(await statusOf(`${server.url}/${file}`)).toBe(404);
    }
  });

  test('a query does not point the page at another document', async () => {
    const { docs } = await pageOf(`${server.url}/?url=https://evil.example/docs.json`);
    expect(docs.href).toBe(`${server.url}/docs.json`);
  });

  test('HEAD is answered, other methods are refused', async () => {
    expect(await statusOf(`${server.url}/`, { method: 'HEAD' })).toBe(200);
    const response = await fetch(`${server.url}/docs.json`, { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('works behind a proxy that strips a prefix', async () => {
    const proxy = createServer((request, response) => {
      const path = /^\/api\/v1(\/.*)$/.exec(request.url ?? '')?.[1];
      if (path === undefined) return void response.writeHead(418).end();
      const { method, headers } = request;
      const onward = httpRequest(server.url + path, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/api/v1/`;
    try {
      const { links, docs } = await pageOf(base);
      for (const link of links) expect(await statusOf(link)).toBe(200);
      const document = (await (await fetch(docs)).json()) as { servers: { url: string }[]; paths: object };
      // Swagger UI resolves the server's URL against the document's, and adds the path.
      const apiBase = new URL(document.servers[0]?.url ?? '', docs).href.replace(/\/$/, '');
      expect(Object.keys(document.paths)).toContain('/classify');
      const response = await postJson(`${apiBase}/classify`, JSON.stringify(application));
      expect(await response.json()).toEqual({ Status: 'APPROVED' });
    } finally {
      proxy.close();
      proxy.closeAllConnections();
    }
  });

  test('Express is loaded by its first visitor and not before', async () => {
    const script = fileURLToPath(new URL('express-free.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    expect(JSON.parse(stdout)).toEqual({ started: false, classified: false, visited: true });
  });
});

describe('docs.json', () => {
  interface Operation {
    readonly tags: readonly string[];
    readonly operationId: string;
    readonly requestBody: { readonly content: Record<string, { readonly schema: object; readonly example: unknown }> };
    readonly responses: Record<string, { readonly content: Record<string, { readonly schema: object }> }>;
  }
  interface Document {
    readonly openapi: string;
    readonly info: { readonly title: string };
    readonly tags: readonly { readonly name: string }[];
    readonly paths: Record<string, Record<string, Operation>>;
  }

  test('has the paths, tags and operation id of BentoML’s', async () => {
    const ours = (await (await fetch(`${server.url}/docs.json`)).json()) as Document;
    const theirs = JSON.parse((await bentomlAnswer('docs.json')).body) as Document;
    expect(Object.keys(ours.paths).sort()).toEqual(Object.keys(theirs.paths).sort());
    expect(ours.tags.map(({ name }) => name)).toEqual(theirs.tags.map(({ name }) => name));
    expect(ours.info.title).toBe(theirs.info.title);
    for (const [path, methods] of Object.entries(theirs.paths)) {
      for (const [method, { tags, operationId }] of Object.entries(methods)) {
        expect(ours.paths[path]?.[method]).toMatchObject({ tags });
        expect(ours.paths[path]?.[method]?.operationId).toBe(operationId);
      }
    }
  });

  test('says what an API takes, with an example to try, and what it answers', async () => {
    const { paths } = (await (await fetch(`${server.url}/docs.json`)).json()) as Document;
    const operation = paths['/classify']?.post;
    const input = operation?.requestBody.content['application/json'];
    expect(input?.schema).toMatchObject({ type: 'object', required: Object.keys(application) });
    expect(input?.example).toEqual(application);
    expect(operation?.responses[200]?.content['application/json']?.schema).toMatchObject({ required: ['Status'] });
    for (const status of [400, 413, 415, 500, 503]) {
      expect(Object.keys(operation?.responses[status]?.content ?? {})).toEqual(['application/problem+json']);
    }
  });
});

test('an API under GET is documented with no body', () => {
  const [{ input, output }] = credit.apis as [Api];
  const nothing = { ...input, mediaTypes: [] };
  const service = new Service('s').api('now', { input: nothing, output, method: 'GET' }, () => null);
  const { paths } = openApi(service, 'v1') as { paths: Record<string, { get: object }> };
  expect(paths['/now']?.get).toMatchObject({ operationId: 's__now' });
  expect(paths['/now']?.get).not.toHaveProperty('requestBody');
});

describe('metrics', () => {
  const namesOf = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name]) => name));

  test('of requests have BentoML’s names, types, labels and buckets', async () => {
    await postJson(`${server.url}/classify`, JSON.stringify(application));
    const ours = await (await fetch(`${server.url}/metrics`)).text();
    const theirs = (await bentomlAnswer('metrics')).body;
    for (const pattern of [
      /^# (TYPE bentoml_api_server_\S+ \S+)$/gm,
      /^# (HELP bentoml_api_server_.+)$/gm,
      /^bentoml_api_server_request_duration_seconds_bucket\{.*le="([^"]+?)(?:\.0)?"/gm,
    ]) {
      expect(namesOf(ours, pattern)).toEqual(namesOf(theirs, pattern));
    }
    const labels = (text: string, name: string) => {
      const [, found = ''] = new RegExp(`^${name}\\{([^}]*)\\}`, 'm').exec(text) ?? [];
      return new Set([...found.matchAll(/(\w+)=/g)].map(([, label]) => label));
    };
    for (const name of ['total', 'in_progress', 'duration_seconds_sum', 'duration_seconds_bucket']) {
      const metric = `bentoml_api_server_request_${name}`;
      expect(labels(ours, metric)).toEqual(labels(theirs, metric));
    }
  });

  test('count every request once, by path and status; unknown paths together', async () => {
    const own = await serve(credit, { port: 0, version: 'v1' });
    try {
      const post = (path: string, body: string) => postJson(own.url + path, body);
      await post('/classify', JSON.stringify(application));
      await post('/classify', JSON.stringify(application));
      await post('/classify', '{}');
      await post('/a', '');
      await post('/b', '');
      for (const path of ['/livez', '/metrics']) await fetch(own.url + path);
      const text = await (await fetch(`${own.url}/metrics`)).text();
      const service = 'service_name="credit_risk_classifier",service_version="v1"';
      const total = [...text.matchAll(/^bentoml_api_server_request_total(.*)$/gm)].map(([, line]) => line);
      expect(total).toEqual([
        `{endpoint="/classify",http_response_code="200",${service}} 2`,
        `{endpoint="/classify",http_response_code="400",${service}} 1`,
        `{endpoint="*",http_response_code="404",${service}} 2`,
      ]);
      expect(text).toContain(`request_in_progress{endpoint="/classify",${service}} 0`);
      const histogram = `{endpoint="/classify",http_response_code="200",${service}}`;
      expect(text).toContain(`request_duration_seconds_count${histogram} 2`);
      expect(text).toMatch(/duration_seconds_bucket\{le="\+Inf",endpoint="\/classify",http_response_code="200",.*\} 2/);
    } finally {
      await own.close();
    }
  });
});

describe('middleware', () => {
  const everything = ['/', '/swagger-ui.css', '/docs.json', '/metrics', '/classify', '/nope'];
  const probes = ['/livez', '/readyz', '/healthz'];

  test('guards every route but the probes', async () => {
    const closed = await serve(
      credit.use((ctx) => void (ctx.response.status = 401)),
      { port: 0 },
    );
    try {
      for (const path of everything) expect([path, await statusOf(closed.url + path)]).toEqual([path, 401]);
      for (const path of probes) expect([path, await statusOf(closed.url + path)]).toEqual([path, 200]);
    } finally {
      await closed.close();
    }
  });

  test('sets headers on every route that it guards', async () => {
    const tagged = await serve(
      credit.use(async (ctx, next) => {
        ctx.response.headers.set('x-tag', 'a');
        await next().finally(() => ctx.response.headers.append('x-tag', 'b'));
      }),
      { port: 0 },
    );
    try {
      for (const path of everything) expect((await fetch(tagged.url + path)).headers.get('x-tag')).toBe('a, b');
    } finally {
      await tagged.close();
    }
  });
});

test.each(['/', '/docs.json', '/metrics', '/livez', '/swagger-ui.css'])(
  'an API at %s is refused at the start',
  async (path) => {
    const [api] = credit.apis;
    const clashing = Object.assign(new Service('s'), { apis: [{ ...api, path, method: 'GET' }] });
    await expect(serve(clashing, { port: 0 })).rejects.toMatchObject({ code: 'EKIBEN_ROUTE_CONFLICT' });
  },
);
