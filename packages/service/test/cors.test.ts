import { expect, test } from '@jest/globals';
import { json } from '@ekiben/io-descriptors';
import { cors, Service } from '../src/index.ts';
import type { CorsOptions } from '../src/index.ts';

const number = json({ type: 'number' } as const);
const PAGE = 'https://app.example';

function ask(options: CorsOptions, method: string, headers: Readonly<Record<string, string>>, body?: string) {
  const svc = new Service('s').api('double', { input: number, output: number }, (x) => 2 * x).use(cors(options));
  const init = {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  };
  return svc.fetch(new Request('http://localhost/double', init));
}

const allowed = (response: Response) =>
  Object.fromEntries([...response.headers].filter(([name]) => /^access-control-|^vary$/.test(name)));

const preflight = { origin: PAGE, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-a' };

test('answers a preflight, with what is allowed', async () => {
  const response = await ask({ origins: [PAGE], methods: ['POST'], headers: ['x-a'], maxAge: 5 }, 'OPTIONS', preflight);
  expect([response.status, await response.text()]).toEqual([204, '']);
  expect(allowed(response)).toEqual({
    'access-control-allow-origin': PAGE,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'accept, accept-language, content-language, content-type, x-a',
    'access-control-max-age': '5',
    vary: 'Origin',
  });
});

test('refuses a preflight of another origin', async () => {
  const response = await ask({ origins: ['https://other.example'] }, 'OPTIONS', preflight);
  expect(response.status).toBe(403);
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
});

test('lets pages read answers, and refusals too', async () => {
  const options = { origins: ['*'], exposeHeaders: ['x-b'] };
  const good = await ask(options, 'POST', { origin: PAGE }, '2');
  expect([good.status, await good.text()]).toEqual([200, '4']);
  expect(allowed(good)).toEqual({ 'access-control-allow-origin': '*', 'access-control-expose-headers': 'x-b' });
  const bad = await ask(options, 'POST', { origin: PAGE }, '"two"');
  expect([bad.status, bad.headers.get('access-control-allow-origin')]).toEqual([400, '*']);
});

test('with credentials it names the origin, never *', async () => {
  const response = await ask({ origins: ['*'], credentials: true }, 'POST', { origin: PAGE }, '2');
  expect(allowed(response)).toEqual({
    'access-control-allow-origin': PAGE,
    'access-control-allow-credentials': 'true',
    vary: 'Origin',
  });
});

test('a pattern matches an origin as a whole', async () => {
  const options = { originPattern: String.raw`https://\w+\.example` };
  expect(allowed(await ask(options, 'POST', { origin: PAGE }, '2'))).toHaveProperty(
    'access-control-allow-origin',
    PAGE,
  );
  for (const origin of ['https://app.example.evil', 'http://x/https://app.example', 'https://app_example']) {
    const response = await ask(options, 'POST', { origin }, '2');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  }
});

test('a request without an origin is as it would be without', async () => {
  const response = await ask({ origins: [PAGE] }, 'POST', {}, '2');
  expect([response.status, await response.text(), allowed(response)]).toEqual([200, '4', { vary: 'Origin' }]);
  expect((await ask({ origins: [PAGE] }, 'OPTIONS', {})).headers.get('allow')).toBe('POST');
});
