// The same requests as BentoML 1.0.7 was sent, and where we answer the same, or differ on purpose.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serve } from '../src/index.ts';
import type { RunningServer } from '../src/index.ts';
import { application, bentomlAnswer, credit } from './credit.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await serve(credit, { port: 0 });
});
afterAll(() => server.close());

const classify = (body: unknown, contentType = 'application/json') =>
  fetch(`${server.url}/classify`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const { seniority, ...withoutSeniority } = application;

describe('the same answer', () => {
  test.each([
    ['valid', () => classify(application)],
    ['extra-field', () => classify({ zzz: 1, ...application })],
    ['livez', () => fetch(`${server.url}/livez`)],
    ['readyz', () => fetch(`${server.url}/readyz`)],
    ['healthz', () => fetch(`${server.url}/healthz`)],
  ])('%s: status, content type, body', async (name, ask) => {
    const [ours, theirs] = [await ask(), await bentomlAnswer(name)];
    expect(ours.status).toBe(theirs.status);
    expect(ours.headers.get('content-type')).toBe(theirs.headers.get('content-type'));
    expect(ours.headers.get('content-length')).toBe(theirs.headers.get('content-length'));
    expect(await ours.text()).toBe(theirs.body);
  });
});

describe('the same status, with a problem document in place of BentoML’s text', () => {
  test.each([
    ['missing-fields', () => classify({ seniority }), Object.keys(withoutSeniority).map((name) => `/${name}`)],
    ['wrong-type', () => classify({ ...application, seniority: 'x' }), ['/seniority']],
    ['malformed', () => classify('{oops'), ['']],
    ['empty-body', () => classify(''), ['']],
    ['array', () => classify([application]), ['']],
    ['null', () => classify(null), ['']],
  ])('%s: every fault by its pointer', async (name, ask, pointers) => {
    const [ours, theirs] = [await ask(), await bentomlAnswer(name)];
    expect(ours.status).toBe(theirs.status);
    expect(ours.headers.get('content-type')).toBe('application/problem+json');
    const { errors } = (await ours.json()) as { errors: { pointer: string; message: string }[] };
    expect(errors.map(({ pointer }) => pointer)).toEqual(pointers);
    for (const { message } of errors) expect(message).not.toBe('');
  });

  test('get-on-post: with the same Allow', async () => {
    const [ours, theirs] = [await fetch(`${server.url}/classify`), await bentomlAnswer('get-on-post')];
    expect([ours.status, ours.headers.get('allow')]).toEqual([theirs.status, theirs.headers.get('allow')]);
    expect(await ours.json()).toMatchObject({ status: 405 });
  });

  test('unknown-route', async () => {
    const [ours, theirs] = [await fetch(`${server.url}/nope`), await bentomlAnswer('unknown-route')];
    expect(ours.status).toBe(theirs.status);
    expect(await ours.json()).toMatchObject({ status: 404 });
  });
});

describe('another answer on purpose', () => {
  test('a numeric string is not coerced', async () => {
    expect((await bentomlAnswer('numeric-string')).status).toBe(200);
    expect((await classify({ ...application, seniority: '3' })).status).toBe(400);
  });

  test('a content type that is not JSON is refused', async () => {
    expect((await bentomlAnswer('text-content-type')).status).toBe(200);
    expect((await classify(application, 'text/plain')).status).toBe(415);
  });
});
