// What a Node team does today with a model that Python trained: Fastify with a JSON schema, the model converted to ONNX, and the
// vectorizer written again by hand.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import ort from 'onnxruntime-node';

const integers = ['seniority', 'time', 'age', 'expenses', 'amount', 'price'];
const numbers = ['income', 'assets', 'debt'];
const strings = ['home', 'marital', 'records', 'job'];
const properties = {
  ...Object.fromEntries(integers.map((name) => [name, { type: 'integer' }])),
  ...Object.fromEntries(numbers.map((name) => [name, { type: 'number' }])),
  ...Object.fromEntries(strings.map((name) => [name, { type: 'string' }])),
};
const schema = {
  body: { type: 'object', required: Object.keys(properties), properties },
  response: { 200: { type: 'object', properties: { Status: { type: 'string' } } } },
};

const columns = [
  ...['age', 'amount', 'assets', 'debt', 'expenses'],
  ...['home=ignore', 'home=other', 'home=owner', 'home=parents', 'home=private', 'home=rent', 'home=unk', 'income'],
  ...['job=fixed', 'job=freelance', 'job=others', 'job=partime', 'job=unk'],
  ...['marital=divorced', 'marital=married', 'marital=separated', 'marital=single', 'marital=unk', 'marital=widow'],
  ...['price', 'records=no', 'records=yes', 'seniority', 'time'],
];
const columnOf = new Map(columns.map((column, index) => [column, index]));

function vectorize(application) {
  const row = new Float32Array(columns.length);
  for (const name of integers) row[columnOf.get(name)] = application[name];
  for (const name of numbers) row[columnOf.get(name)] = application[name];
  for (const name of strings) {
    const column = columnOf.get(`${name}=${application[name]}`);
    if (column !== undefined) row[column] = 1;
  }
  return row;
}

const model = readFileSync(new URL('../trees/credit-risk.onnx', import.meta.url));
// One thread, as the others have; more of them cost a single row more than they bring.
const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const [output] = session.outputNames.slice(-1);

const app = Fastify();
app.post('/classify', { schema }, async (request) => {
  const x = new ort.Tensor('float32', vectorize(request.body), [1, columns.length]);
  const { data } = (await session.run({ x }))[output];
  const probability = data.at(-1);
  return { Status: probability > 0.5 ? 'DECLINED' : probability > 0.3 ? 'MAYBE' : 'APPROVED' };
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });

process.once('SIGTERM', () => process.exit());
