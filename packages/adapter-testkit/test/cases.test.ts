// Each case passes for an adapter that is right, and fails for one that is wrong in just that.
import { describe, expect, test } from '@jest/globals';
import { EkibenError } from '@ekiben/spec';
import type { Framework, Runnable, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { conformanceCases } from '../src/index.ts';
import type { CaseName } from '../src/index.ts';
import { testAdapter } from '../src/jest.ts';
import { heap, toy, toyAdapter } from './toy.ts';
import type { Scaler, ScalerMethods, ToyAdapter } from './toy.ts';

testAdapter(toyAdapter());

type Toy = Framework<Scaler, ScalerMethods>;
const framework = (change: Partial<Toy>): Partial<ToyAdapter> => ({ framework: { ...toy, ...change } });
const runnable = (change: (right: Runnable<ScalerMethods>, scaler: Scaler) => Partial<Runnable<ScalerMethods>>) =>
  framework({
    runnable(scaler, manifest) {
      const right = toy.runnable(scaler, manifest);
      return { ...right, ...change(right, scaler) };
    },
  });
/** The right answer goes through `change`. */
const scale = (change: (rows: Tensor<'float64'>, answer: Tensor<'float64'>) => Tensor<'float64'>) =>
  runnable(({ methods }) => ({
    methods: { ...methods, scale: async (rows) => change(rows, await methods.scale(rows)) },
  }));
const scaled = (x: Tensor<'float64'>, factor: number) =>
  tensor(
    x.data.map((each) => each * factor),
    x.shape,
    'float64',
  );

const ROWS = { name: 'rows', dtype: 'float64', shape: [null, 3] } as const;
const describing = (methods: Awaited<ReturnType<NonNullable<Toy['describe']>>>) =>
  framework({ describe: async () => ({ scale: { inputs: [ROWS], output: ROWS }, ...methods }) });
const DESCRIBES = 'what it describes holds for its calls';

let open = 0;
const memory = new Float64Array(100);
const WRONG: readonly (readonly [what: string, wrong: Partial<ToyAdapter>, fails: CaseName])[] = [
  ['of another version', framework({ specVersion: 2 as 1 }), 'follows version 1 of the contract'],
  ['without a module', framework({ module: '' }), 'follows version 1 of the contract'],
  [
    'that declares a method it has not',
    framework({ signatures: { ...toy.signatures, more: { batchable: false } } as Toy['signatures'] }),
    'declares just the methods that it has',
  ],
  [
    'that has a method it does not declare',
    runnable(({ methods }) => ({ methods: { ...methods, more: () => 1 } as ScalerMethods })),
    'declares just the methods that it has',
  ],
  ['whose answers are others', { model: () => ({ factor: 3 }) }, 'a saved model answers as the original'],
  ['without an example', { calls: { scale: [], labels: [] } }, 'a saved model answers as the original'],
  [
    'that saves what it loaded otherwise',
    framework({
      load: async (files) => ({ ...(await toy.load(files, undefined as never)), loaded: true }),
      async save(scaler, draft) {
        const factor = 'loaded' in scaler ? 1 : scaler.factor;
        return toy.save({ factor }, draft, {});
      },
    }),
    'a loaded model can be saved again',
  ],
  [
    'whose rows depend on each other',
    scale((rows, answer) => scaled(answer, (rows.shape[1] ?? 0) / 3)),
    'a batch is as its rows one by one',
  ],
  [
    'whose batch axis is another',
    framework({ signatures: { ...toy.signatures, scale: { batchable: true, batchDim: [1, 0] } } }),
    'a batch is as its rows one by one',
  ],
  [
    'with an example of one row only',
    { calls: { ...toyAdapter().calls, labels: [{ args: [{ x: tensor([1], [1], 'int32') }], result: ['low'] }] } },
    'a batch is as its rows one by one',
  ],
  [
    'that takes the input of another call',
    runnable(({ methods }) => {
      let latest: Tensor<'float64'>;
      const scale = async (rows: Tensor<'float64'>) => {
        latest = rows;
        await Promise.resolve();
        return methods.scale(latest);
      };
      return { methods: { ...methods, scale } };
    }),
    'calls at once do not disturb each other',
  ],
  [
    'whose models close together',
    runnable(({ methods, close }) => {
      const mine = ++open;
      return {
        methods: {
          ...methods,
          labels(rows) {
            if (open < mine) throw new EkibenError('EKIBEN_TOY_CLOSED', 'closed');
            return methods.labels(rows);
          },
        },
        async close() {
          open = 0;
          await close?.();
        },
      };
    }),
    'models do not disturb each other',
  ],
  [
    'that computes in place',
    scale((rows, answer) => {
      rows.data.set(answer.data);
      return answer;
    }),
    'a call leaves its arguments as they are',
  ],
  [
    'that answers in one memory',
    scale((_, answer) => {
      memory.set(answer.data);
      return tensor(memory.subarray(0, answer.data.length), answer.shape, 'float64');
    }),
    'a call leaves the results of others as they are',
  ],
  [
    'that is another after warming up',
    runnable(({ methods }) => {
      let warm = false;
      return {
        methods: { ...methods, scale: async (rows) => scaled(await methods.scale(rows), warm ? 2 : 1) },
        warmUp: async () => void (warm = true),
      };
    }),
    'warming up changes nothing',
  ],
  [
    'that describes other shapes',
    describing({ scale: { inputs: [{ ...ROWS, shape: [null, 4] }], output: ROWS } }),
    DESCRIBES,
  ],
  [
    'that describes an input that no call gives',
    describing({ labels: { inputs: [{ ...ROWS, name: 'y' }], output: [] } }),
    DESCRIBES,
  ],
  ['that describes some of its methods', describing({}), DESCRIBES],
  [
    'that refuses with any error',
    runnable(({ methods }) => ({
      methods: {
        ...methods,
        scale: (rows) => methods.scale(rows).catch((e: Error) => Promise.reject(new Error(e.message))),
      },
    })),
    'wrong arguments are refused with a code',
  ],
  [
    'that takes wrong arguments',
    { refused: { scale: [{ args: [tensor([1], [1], 'float64')], code: 'EKIBEN_TOY_INPUT' }] } },
    'wrong arguments are refused with a code',
  ],
  ['without an example of wrong arguments', { refused: {} }, 'wrong arguments are refused with a code'],
  [
    'that fails with any error for a damaged file',
    framework({ load: async (files) => JSON.parse(Buffer.from(await files.read('scaler.json')).toString()) as Scaler }),
    'a damaged file is refused with a code',
  ],
  [
    'that does not read its file',
    framework({ load: async () => ({ factor: 2 }) }),
    'a damaged file is refused with a code',
  ],
  [
    'that leaks at each call',
    scale((_, answer) => {
      heap.held++;
      return answer;
    }),
    'close frees the model, and may be called twice',
  ],
  ['that frees nothing', runnable(() => ({ close: async () => {} })), 'close frees the model, and may be called twice'],
  [
    'that answers after close',
    runnable((right) => ({ methods: toy.runnable({ factor: 2 }, undefined as never).methods, close: right.close! })),
    'close frees the model, and may be called twice',
  ],
];

describe('an adapter fails', () => {
  test.each(WRONG)('%s', async (_what, wrong, fails) => {
    const cases = conformanceCases({ ...toyAdapter(), ...wrong });
    const outcomes = await Promise.all(
      cases
        .filter(({ name }) => name === fails)
        .map(({ run }) =>
          run().then(
            () => 'passes',
            (error: unknown) => error,
          ),
        ),
    );
    expect(outcomes).toEqual([expect.objectContaining({ message: expect.any(String) })]);
  });

  test('in every case at least one way is tried', () => {
    expect(new Set(WRONG.map(([, , fails]) => fails))).toEqual(
      new Set(conformanceCases(toyAdapter()).map(({ name }) => name)),
    );
  });
});

test('a case is skipped for a reason only', () => {
  const skipping = (reason: string) =>
    conformanceCases({ ...toyAdapter(), skip: { 'warming up changes nothing': reason } });
  expect(skipping('it is warm').filter(({ skipped }) => skipped !== null)).toMatchObject([{ skipped: 'it is warm' }]);
  expect(() => skipping(' ')).toThrow("'warming up changes nothing' is skipped without a reason");
});
