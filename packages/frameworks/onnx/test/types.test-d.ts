import { toRunner } from '@ekiben/runners';
import type { AnyFramework, Tensor } from '@ekiben/spec';
import { models } from '@ekiben/store';
import { onnx, onnxWith } from '../src/index.ts';
import type { ClassScores, OnnxModel, OnnxValue } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;
declare const floats: Tensor<'float32'>;
declare const doubles: Tensor<'float64'>;
declare const integers: Tensor<'int64'>;
declare const any: Tensor;
declare const loaded: OnnxModel;

export const frameworks: readonly AnyFramework[] = [onnx];

// A model is saved from a path, from bytes, or from one that is loaded.
await models.save('m', 'model.onnx', onnx, { options: { providers: ['cpu', { name: 'cuda', deviceId: 0 }] } });
await models.save('m', new Uint8Array(), onnx);
await models.save('m', loaded, onnx);
// @ts-expect-error no model
await models.save('m', 1, onnx);
// @ts-expect-error no such provider
await models.save('m', 'model.onnx', onnx, { options: { providers: ['gpu'] } });

const model = await models.get('m', onnx);
yes<Equal<Awaited<ReturnType<typeof model.load>>, OnnxModel>>();
const runner = toRunner(model);
const { x } = await runner.run.run({ a: floats, b: any });
yes<Equal<typeof x, OnnxValue | undefined>>();
await runner.run.run(floats);
await runner.run.run(floats, integers);
// @ts-expect-error no tensor
await runner.run.run([[1]]);

const typed = onnxWith({
  inputs: { x: 'float32', ids: 'int64' },
  outputs: { p: 'float32', label: 'string', scores: 'maps' },
});
const typedRunner = toRunner(await models.get('m', typed));
const { p, label, scores } = await typedRunner.run.run({ x: doubles, ids: integers });
yes<Equal<typeof p, Tensor<'float32'>>>();
yes<Equal<typeof label, Tensor<'string'>>>();
yes<Equal<typeof scores, readonly ClassScores[]>>();
// @ts-expect-error an input is missing
await typedRunner.run.run({ x: floats });
// @ts-expect-error an input of another type
await typedRunner.run.run({ x: floats, ids: floats });
