// What BentoML's Python client is told of each descriptor, in the words of its `to_spec` (BentoML 1.1).
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { dataFrame, eventStream, file, json, multipart, ndarray, ndjson, series, text } from '../src/index.ts';
import { image } from '../src/image.ts';

test.each([
  [json(z.unknown()), { id: 'bentoml.io.JSON', args: { has_pydantic_model: false, has_json_encoder: false } }],
  [
    ndarray({ dtype: 'float32', shape: [-1, 2], enforceShape: true }),
    {
      id: 'bentoml.io.NumpyNdarray',
      args: { dtype: 'float32', shape: [-1, 2], enforce_dtype: false, enforce_shape: true },
    },
  ],
  [ndarray({ dtype: 'string' }), { args: { dtype: null, shape: null } }],
  [
    dataFrame({ columns: { a: 'int8' }, orient: 'split' }),
    {
      id: 'bentoml.io.PandasDataFrame',
      args: { orient: 'split', columns: ['a'], shape: null, enforce_shape: false, default_format: 'json' },
    },
  ],
  [series(), { id: 'bentoml.io.PandasSeries', args: { orient: 'records', shape: null, enforce_shape: false } }],
  [text(), { id: 'bentoml.io.Text' }],
  [eventStream(), { id: 'bentoml.io.Text' }],
  [
    file({ mediaTypes: ['application/pdf'] }),
    { id: 'bentoml.io.File', args: { kind: 'binaryio', mime_type: 'application/pdf' } },
  ],
  [
    image({ mode: 'L', mediaTypes: ['image/png'] }),
    {
      id: 'bentoml.io.Image',
      args: { pilmode: 'L', mime_type: 'image/jpeg', allowed_mime_types: ['image/png'] },
    },
  ],
  [
    multipart({ a: text(), b: file() }),
    {
      id: 'bentoml.io.Multipart',
      args: { a: { id: 'bentoml.io.Text' }, b: { id: 'bentoml.io.File', args: { kind: 'binaryio', mime_type: null } } },
    },
  ],
])('%#', ({ bentoml }, expected) => {
  expect(bentoml).toMatchObject(expected);
});

test('what BentoML does not have it is not told of', () => {
  expect(ndjson(z.unknown()).bentoml).toBeUndefined();
  expect(multipart({ a: text(), b: { ...file(), bentoml: undefined } }).bentoml).toBeUndefined();
});
