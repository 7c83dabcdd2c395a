import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { eventStream, file, json, multipart, ndarray, noBody, text } from '@ekiben/io-descriptors';
import { bentomlSchema, openApi, Service } from '../src/index.ts';

const Row = z.object({ age: z.int(), home: z.string().optional() });
const service = new Service('credit', {
  docs: { title: 'Credit', description: '# Risks', contact: { name: 'Us', email: 'us@example.com' } },
})
  .api(
    'decide',
    { input: json(Row), output: json(z.boolean()), summary: 'Decides', description: '*How* it decides' },
    () => true,
  )
  .api('shout', { input: text(), output: text() }, (words) => words)
  .api(
    'double',
    { input: ndarray({ dtype: 'float32' }), output: ndarray({ dtype: 'float32' }), method: 'PUT' },
    (x) => x,
  )
  .api('scan', { input: multipart({ meta: json(Row), data: file() }), output: file() }, ({ data }) => data)
  .api('version', { method: 'GET', input: noBody(), output: text() }, () => '1')
  .api('reset', { input: noBody(), output: text() }, () => '')
  .api('tell', { input: text(), output: eventStream() }, async function* (data) {
    yield { data };
  });

test('an independent validator accepts the document', async () => {
  expect(await new Validator().validate({ ...openApi(service, 'v1') })).toEqual({ valid: true });
});

test('it has what the service says of itself and its APIs', () => {
  const { info, paths } = openApi(service, 'v1') as {
    info: object;
    paths: Record<string, Record<string, object>>;
  };
  expect(info).toEqual({
    title: 'Credit',
    version: 'v1',
    description: '# Risks',
    contact: { name: 'Us', email: 'us@example.com' },
  });
  expect(paths['/decide']?.['post']).toMatchObject({ summary: 'Decides', description: '*How* it decides' });
});

test('an API without a body says so, and one that may be empty', () => {
  const { paths } = openApi(service, 'v1') as { paths: Record<string, Record<string, { requestBody?: object }>> };
  expect(paths['/version']?.['get']).not.toHaveProperty('requestBody');
  expect(paths['/reset']?.['post']).not.toHaveProperty('requestBody');
  expect(paths['/shout']?.['post']?.requestBody).toMatchObject({ required: false });
  expect(paths['/decide']?.['post']?.requestBody).toMatchObject({ required: true });
});

test('BentoML’s clients find their descriptors, and the arguments of each API', () => {
  const { paths } = openApi(service, 'v1') as unknown as {
    paths: Record<string, { post: { requestBody: { 'x-bentoml-io-descriptor': { id: string } } } }>;
  };
  const ids = ['/decide', '/shout', '/scan'].map((path) => paths[path]?.post.requestBody['x-bentoml-io-descriptor'].id);
  expect(ids).toEqual(['bentoml.io.JSON', 'bentoml.io.Text', 'bentoml.io.Multipart']);
  expect(bentomlSchema(service)).toMatchObject({
    name: 'credit',
    type: 'service',
    routes: [
      { name: 'decide', route: '/decide', input: { required: ['age'] }, output: { type: 'boolean' } },
      { name: 'shout', input: { type: 'string', root_input: true }, output: { type: 'string' } },
      { name: 'scan', input: { properties: { data: { type: 'file' } } }, output: { format: 'binary' } },
      { name: 'reset', input: { type: 'object', properties: {} } },
      { name: 'tell', output: { type: 'string', is_stream: true } },
    ],
  });
});
