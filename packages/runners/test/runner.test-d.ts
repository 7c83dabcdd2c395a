/** Types that a caller relies on. Compiled, never run. */
import type { Floats, Framework, Tensor } from '@ekiben/spec';
import type { Model } from '@ekiben/store';
import { runnerInfo, toRunner } from '../src/index.ts';
import type { AnyRunner, Runner, RunnerMethod } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

interface Booster {
  readonly trees: number;
}
interface XgboostMethods {
  predict(rows: Floats): Tensor<'float32'>;
  predictProba(rows: Floats): Tensor<'float32'>;
}
declare const booster: Model<Booster, XgboostMethods>;
declare const onnx: Model<
  { readonly session: 1 },
  { run(inputs: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>> }
>;
declare const rows: Floats;

const creditRisk = toRunner(booster);
yes<Equal<typeof creditRisk, Runner<XgboostMethods>>>();
export const probability: Promise<Tensor<'float32'>> = creditRisk.predict.run(rows);
// @ts-expect-error the method takes rows, not numbers
void creditRisk.predict.run([1]);
// @ts-expect-error there is no such method
void creditRisk.predictLeaf;
yes<Equal<ReturnType<typeof creditRisk.predict.stream>, never>>();

const onnxRunner = toRunner(onnx);
yes<
  Equal<
    typeof onnxRunner.run,
    RunnerMethod<(inputs: Readonly<Record<string, Tensor>>) => Promise<Readonly<Record<string, Tensor>>>>
  >
>();
export const outputs: Promise<Readonly<Record<string, Tensor>>> = onnxRunner.run.run({ x: rows });

class Sentiment {
  static readonly signatures = { isPositive: { batchable: true } };
  readonly #threshold = 1;
  isPositive(texts: readonly string[]): readonly boolean[] {
    return texts.map((text) => text.length > this.#threshold);
  }
  async *tokens(text: string): AsyncGenerator<string> {
    yield text;
  }
}
const custom = toRunner(Sentiment, { name: 'sentiment' });
export const positive: Promise<readonly boolean[]> = custom.isPositive.with({ priority: 1 }).run(['x']);
for await (const token of custom.tokens.stream('x')) yes<Equal<typeof token, string>>();
for await (const token of custom.tokens.with({ priority: 1 }).stream('x')) yes<Equal<typeof token, string>>();
// @ts-expect-error a list of texts
void custom.isPositive.run('x');
// @ts-expect-error a class has no name that survives minification: give one
toRunner(Sentiment);

class Ensemble {
  static readonly signatures = {};
  readonly models;
  constructor(models: readonly Model<unknown, object>[]) {
    this.models = models;
  }
  mean(x: number): number {
    return x / this.models.length;
  }
}
const ensemble = toRunner(Ensemble, { name: 'ensemble', models: [booster, onnx] });

export const runners: readonly AnyRunner[] = [creditRisk, onnxRunner, custom, ensemble];
export const name: string = custom[runnerInfo].name;
export const tags: readonly string[] = custom[runnerInfo].models;

toRunner(booster, { methods: { predictProba: { batchable: false } }, placement: 'process', workers: 2 });
// Errors are where the mistake is, and about what was meant: a model's options are not held against a class's.
toRunner(booster, {
  // @ts-expect-error no such method to configure
  methods: { nope: { batchable: false } },
});
toRunner(booster, {
  methods: {
    // @ts-expect-error a signature says whether calls are batchable
    predict: { retrySafe: true },
  },
});
toRunner(booster, {
  // @ts-expect-error it is `process`
  placement: 'proces',
});
class Unsure {
  static readonly signatures = { mean: { retrySafe: true } };
  mean(x: number): number {
    return x;
  }
}
// @ts-expect-error a signature says whether calls are batchable
toRunner(Unsure, { name: 'unsure' });
declare const framework: Framework<Booster, XgboostMethods>;
yes<Equal<typeof framework, typeof booster.framework>>();
