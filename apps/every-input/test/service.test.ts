// The routes as their documentation shows them: the example of each is taken, and answered as it was sent.
import { expect, test } from '@jest/globals';
import { svc } from '../src/service.ts';

const withExample = svc.apis.filter(({ input }) => input.example !== undefined);
/** Not the input over again: other types, or events of it. */
const OTHERWISE = ['npy', 'frame_csv', 'frame_parquet', 'frame_any', 'events', 'form'];

const post = (path: string, body: string | Uint8Array, type: string) =>
  svc.fetch(new Request(`http://service${path}`, { method: 'POST', body, headers: { 'content-type': type } }));

test.each(withExample.map(({ name, path, input }) => ({ name, path, input })))(
  'the example of $name is taken',
  async ({ name, path, input }) => {
    const isForm = input.mediaTypes[0] === 'multipart/form-data';
    const [type = ''] = input.mediaTypes;
    const body = typeof input.example === 'string' ? input.example : JSON.stringify(input.example);
    const response = isForm
      ? await svc.fetch(new Request(`http://service${path}`, { method: 'POST', body: formOf(input.example as object) }))
      : await post(path, body, type);
    const answer = await response.text();
    expect([response.status, answer]).toEqual([200, expect.any(String)]);
    if (!OTHERWISE.includes(name)) expect(answer).toBe(body);
  },
);

function formOf(parts: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return form;
}

test('every route says what is wrong with a body that is none of its', async () => {
  for (const { path } of svc.apis) {
    const response = await post(path, 'nonsense', 'application/x-nonsense');
    expect([path, response.status]).toEqual([path, path === '/file' || path === '/upload' ? 200 : 415]);
  }
});
