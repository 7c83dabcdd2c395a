/** Runners that compute in the calling process. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Floats, Framework, Signature, Tensor } from '@ekiben/spec';
import type { Model } from '@ekiben/store';
import { tensor } from '@ekiben/tensor';
import { runnerInfo, startRunners, toRunner, usesCallContext } from '../src/index.ts';
import { coreOf } from '../src/core.ts';

interface Linear {
  readonly weight: number;
}

interface LinearMethods {
  predict(rows: Floats): Tensor<'float32'>;
  predictProba(rows: Floats): Tensor<'float32'>;
}

interface Events {
  loaded: number;
  closed: number;
}

function linear(events: Events): Framework<Linear, LinearMethods> {
  return {
    specVersion: 1,
    module: 'linear',
    signatures: {
      predict: { batchable: false, batchDim: [0, 1], retrySafe: true },
      predictProba: { wireName: 'predict_proba', batchable: true },
    },
    placement: 'embedded',
    save: async () => ({ options: {}, versions: {} }),
    load: async () => {
      events.loaded++;
      return { weight: 2 };
    },
    runnable: ({ weight }) => ({
      methods: {
        predict(rows) {
          if (rows.data.length === 0) throw new RangeError('no rows');
          return tensor(
            Float32Array.from(rows.data, (x) => x * weight),
            rows.shape,
            'float32',
          );
        },
        predictProba(rows) {
          return this.predict(rows);
        },
      },
      close: async () => void events.closed++,
    }),
  };
}

function model(events: Events, signatures: Record<string, Signature>): Model<Linear, LinearMethods> {
  const framework = linear(events);
  const manifest = { module: 'linear', signatures, options: {}, frameworkVersions: {} };
  return {
    tag: 'lin:v1',
    manifest,
    framework,
    load: () => framework.load({ dir: '', read: async () => new Uint8Array() }, manifest),
  } as Partial<Model<Linear, LinearMethods>> as Model<Linear, LinearMethods>;
}

const rows = (...values: number[]) => tensor(Float64Array.from(values), [values.length, 1], 'float64');
let events: Events = { loaded: 0, closed: 0 };
afterEach(() => void (events = { loaded: 0, closed: 0 }));

describe('an embedded runner', () => {
  test('is named after its model and loads it with the first call, once', async () => {
    const runner = toRunner(model(events, { predict: { batchable: true } }));
    expect(runner[runnerInfo]).toEqual({ name: 'lin', models: ['lin:v1'] });
    expect(events.loaded).toBe(0);
    const answers = await Promise.all([runner.predict.run(rows(1)), runner.predict.run(rows(2, 3))]);
    expect(answers.map(({ data }) => [...data])).toEqual([[2], [4, 6]]);
    expect(events.loaded).toBe(1);
  });

  test('calls a method that answers at once directly, from the second call on', async () => {
    const runner = toRunner(model(events, { predict: { batchable: true } }));
    await runner.predict.run(rows(1));
    expect(coreOf(runner).methods.get('predict')?.direct).toBeInstanceOf(Function);
    expect((await runner.predict.run(rows(4))).item(0)).toBe(8);
    await expect(runner.predict.run(rows())).rejects.toThrow(RangeError);
  });

  test('refuses at once what is declared of a method that is not there, or is no declaration', () => {
    class Bare {
      shout(text: string): string {
        return text.toUpperCase();
      }
    }
    const fromJavaScript = toRunner as (source: unknown, options: unknown) => unknown;
    const misspelt = Object.assign(class extends Bare {}, { signatures: { shoot: { batchable: true } } });
    const single = { predict: { batchable: true, batchDim: 1 } };
    const makers: readonly [make: () => unknown, message: string][] = [
      [() => fromJavaScript(model(events, {}), { methods: { predikt: {} } }), 'no method "predikt"'],
      [() => fromJavaScript(model(events, {}), { methods: single }), 'batchDim of predict is 1, but must be a pair'],
      [() => fromJavaScript(Bare, { name: 'bare' }), 'Bare has no static signatures'],
      [() => fromJavaScript(misspelt, { name: 'bare' }), 'the runner has shout'],
    ];
    for (const [make, message] of makers) {
      expect(make).toThrow(expect.objectContaining({ code: 'EKIBEN_RUNNER_OPTION_INVALID' }));
      expect(make).toThrow(message);
    }
  });

  test('refuses a method that model.yaml does not list, naming those it does', async () => {
    const runner = toRunner(model(events, { predict: { batchable: true } }));
    const call = runner.predictProba.run(rows(1));
    await expect(call).rejects.toMatchObject({ code: 'EKIBEN_METHOD_NOT_SAVED', details: { model: 'lin:v1' } });
    await expect(call).rejects.toThrow("no signature 'predict_proba' (it has: predict)");
    expect(events.loaded).toBe(0);
  });

  test('batches as the framework says, over that as model.yaml says, over that as the caller says', () => {
    const saved = { predict: { batchable: true }, predict_proba: { batchable: true, batchDim: [1, 1] as const } };
    const runner = toRunner(model(events, saved), { methods: { predictProba: { batchable: false } } });
    const signatures = [...coreOf(runner).methods.values()].map(({ signature }) => signature);
    expect(signatures).toEqual([
      { wireName: 'predict', batchable: true, batchDim: [0, 1], retrySafe: true, refused: null },
      { wireName: 'predict_proba', batchable: false, batchDim: [1, 1], retrySafe: false, refused: null },
    ]);
  });

  test('has every method of a custom runnable, inherited ones too, under any name', async () => {
    class Base {
      name(): string {
        return 'base';
      }
    }
    class Custom extends Base {
      static readonly signatures = {};
      readonly #models: readonly { readonly tag: string }[];
      constructor(models: readonly { readonly tag: string }[]) {
        super();
        this.#models = models;
      }
      run(): readonly string[] {
        return this.#models.map(({ tag }) => tag);
      }
      async *stream(): AsyncGenerator<number> {
        yield 1;
        yield 2;
      }
      async [Symbol.asyncDispose](): Promise<void> {
        events.closed++;
      }
    }
    const runner = toRunner(Custom, { name: 'custom', models: [model(events, {})] });
    expect(await runner.run.run()).toEqual(['lin:v1']);
    expect(await runner.name.run()).toBe('base');
    const items: number[] = [];
    for await (const item of runner.stream.stream()) items.push(item);
    expect(items).toEqual([1, 2]);
    await coreOf(runner).unload();
    expect(events.closed).toBe(1);
  });

  test('calls the warm-up of a class before it is ready, but no method that only is called so', async () => {
    let warm = 0;
    class Careful {
      static readonly signatures = {};
      async warmUp(): Promise<void> {
        await nextTurn();
        warm++;
      }
    }
    class Other {
      static readonly signatures = {};
      warmUp(degrees: number): number {
        warm = NaN;
        return degrees;
      }
    }
    const runners = [
      toRunner(Careful, { name: 'careful', placement: 'embedded' }),
      toRunner(Other, { name: 'other', placement: 'embedded' }),
    ];
    const running = await startRunners(runners);
    expect(warm).toBeGreaterThan(0);
    await running.close();
  });

  test.each([
    [{ batchSize: 8 }, /no option batchSize; did you mean batching\?/],
    [{ batching: { max_batch_size: 8 } }, /no option batching\.max_batch_size; did you mean batching\.maxBatchSize\?/],
    [{ resources: { cpu: 1 } }, /no option resources\.cpu; did you mean resources\.cpus\?/],
    [{ models: [] }, /no option models/],
  ])('an option that there is not is an error that names the nearest: %j', (options, message) => {
    const source = model(events, { predict: { batchable: true } });
    const misled = () => toRunner(source, options as object);
    expect(misled).toThrow(message);
    expect(misled).toThrow(expect.objectContaining({ code: 'EKIBEN_RUNNER_OPTION_INVALID' }));
  });

  test('stops at a signal or a deadline before it computes', async () => {
    const runner = toRunner(model(events, { predict: { batchable: true } }));
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(runner.predict.with({ signal }).run(rows(1))).rejects.toThrow('gone');
    const late = runner.predict.with({ deadline: performance.now() - 1 }).run(rows(1));
    await expect(late).rejects.toMatchObject({ code: 'EKIBEN_DEADLINE_EXCEEDED' });
  });

  test('tries a load that failed again', async () => {
    const broken = model(events, { predict: { batchable: true } });
    let attempts = 0;
    const runner = toRunner({
      ...broken,
      load: async () => {
        if (attempts++ === 0) throw new Error('disk');
        return broken.load();
      },
    });
    await expect(runner.predict.run(rows(1))).rejects.toThrow('disk');
    expect((await runner.predict.run(rows(1))).item(0)).toBe(2);
  });

  test('is loaded by startRunners and closed with it', async () => {
    const runner = toRunner(model(events, { predict: { batchable: true } }));
    const running = await startRunners([runner]);
    expect(events.loaded).toBe(1);
    const reason = 'declared; the framework has no warm-up to measure';
    expect(running.status()).toEqual([{ name: 'lin', placement: 'embedded', reason, state: 'ready', workers: [] }]);
    await running.close();
    expect(events.closed).toBe(1);
  });

  test.each(['', 'a b', '../x', '-a', 'a'.repeat(64)])('refuses the name %j', (name) => {
    const create = () => toRunner(model(events, {}), { name });
    expect(create).toThrow(expect.objectContaining({ code: 'EKIBEN_RUNNER_NAME_INVALID' }));
  });

  test('refuses two runners of one name, and what is no runner', async () => {
    const runner = toRunner(model(events, {}));
    await expect(startRunners([runner, runner])).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_NAME_TAKEN' });
    await expect(startRunners([{} as never])).rejects.toMatchObject({ code: 'EKIBEN_RUNNER_INVALID' });
  });
});

describe('an embedded runner of an asynchronous method', () => {
  const batches: number[] = [];
  class Upper {
    static readonly signatures = { upper: { batchable: true, retrySafe: true } };
    async upper(texts: readonly string[]): Promise<readonly string[]> {
      batches.push(texts.length);
      await nextTurn();
      return texts.map((text) => text.toUpperCase());
    }
  }

  test('joins the calls of one turn, once it has seen that the method is one', async () => {
    const runner = toRunner(Upper, { name: 'upper' });
    expect(usesCallContext(runner)).toBe(false);
    await runner.upper.run(['first']);
    expect(usesCallContext(runner)).toBe(true);
    const answers = await Promise.all(['a', 'b', 'c'].map((text) => runner.upper.run([text, text])));
    expect(answers).toEqual([
      ['A', 'A'],
      ['B', 'B'],
      ['C', 'C'],
    ]);
    expect(batches).toEqual([1, 6]);
  });

  test('checks the rows of a result that has not met any other', async () => {
    class Short {
      static readonly signatures = { halve: { batchable: true } };
      async halve(texts: readonly string[]): Promise<readonly string[]> {
        return texts.slice(1);
      }
    }
    const { halve } = toRunner(Short, { name: 'short' });
    await halve.run([]); // it is seen to be asynchronous
    await expect(halve.run(['a', 'b'])).rejects.toMatchObject({ code: 'EKIBEN_BATCH_RESULT_INVALID' });
  });

  test('does not when batching is off', async () => {
    const runner = toRunner(Upper, { name: 'upper', batching: { enabled: false } });
    await runner.upper.run(['first']);
    batches.length = 0;
    await Promise.all(['a', 'b'].map((text) => runner.upper.run([text])));
    expect(batches).toEqual([1, 1]);
    expect(usesCallContext(runner)).toBe(false);
  });
});

test('a call of very many rows lets the event loop turn between its pieces', async () => {
  const calls: number[] = [];
  const slow = model(events, { predict: { batchable: true } });
  const framework: Framework<Linear, LinearMethods> = {
    ...slow.framework,
    signatures: { ...slow.framework.signatures, predict: { batchable: true } },
    runnable: (native, manifest) => {
      const { methods } = slow.framework.runnable(native, manifest);
      const predict = (input: Floats) => {
        calls.push(input.shape[0] ?? 0);
        const end = performance.now() + input.data.length / 200; // 5 µs a row
        while (performance.now() < end);
        return methods.predict(input);
      };
      return { methods: { ...methods, predict } };
    },
  };
  const runner = toRunner({ ...slow, framework });
  await runner.predict.run(rows(1));
  let turns = 0;
  let turning = true;
  void (async () => {
    for (; turning; turns++) await nextTurn();
  })();
  const values = Array.from({ length: 20_000 }, (_, i) => i);
  const answer = await runner.predict.run(rows(...values));
  turning = false;
  expect([...answer.data]).toEqual(values.map((value) => 2 * value));
  expect(answer.shape).toEqual([20_000, 1]);
  expect(calls.length).toBeGreaterThan(3);
  expect(turns).toBeGreaterThanOrEqual(calls.length - 2);
});
