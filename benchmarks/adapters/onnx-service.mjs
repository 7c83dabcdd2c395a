// The MLP or the CNN of the fixtures (MODEL) in a worker process, with calls joined or not (BATCHED). EKIBEN_HOME has the model. A request
// names one of the inputs by its number: what is measured is the way to the model and back, not the parsing of three thousand numbers.
import { readFileSync } from 'node:fs';
import { onnx } from '../../packages/frameworks/onnx/dist/index.js';
import { json } from '../../packages/io-descriptors/dist/index.js';
import { toRunner } from '../../packages/runners/dist/index.js';
import { Service } from '../../packages/service/dist/index.js';
import { models } from '../../packages/store/dist/index.js';
import { split, tensor } from '../../packages/tensor/dist/index.js';

const { MODEL, BATCHED } = process.env;
const fixture = new URL(`../../packages/frameworks/onnx/test/fixtures/${MODEL}.expected.json`, import.meta.url);
const [[name, { data, shape }]] = Object.entries(JSON.parse(readFileSync(fixture, 'utf8')).inputs);
const rows = split(
  tensor(Float32Array.from(data), shape, 'float32'),
  Array.from({ length: shape[0] }, () => 1),
);

const runner = toRunner(await models.get('model:latest', onnx), {
  name: 'model',
  placement: 'process',
  methods: { run: { batchable: BATCHED === '1' } },
});

const input = { type: 'object', properties: { row: { type: 'integer', minimum: 0 } }, required: ['row'] };
const output = { type: 'object', properties: { values: { type: 'array', items: { type: 'number' } } } };

export const svc = new Service('model', { runners: [runner] }).api(
  'predict',
  { input: json(input), output: json(output) },
  async ({ row }) => {
    const outputs = await runner.run.run({ [name]: rows[row % rows.length] });
    return { values: [...Object.values(outputs)[0].data] };
  },
);
