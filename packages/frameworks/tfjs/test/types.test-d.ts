import { toRunner } from '@ekiben/runners';
import type { AnyFramework, Tensor } from '@ekiben/spec';
import { models } from '@ekiben/store';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { LayersModel, Sequential } from '@tensorflow/tfjs-layers';
import { tfjs, tfjsWith } from '../src/index.ts';
import type { TfjsModel } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;
declare const layers: LayersModel;
declare const sequential: Sequential;
declare const graph: GraphModel;
declare const loaded: TfjsModel;
declare const floats: Tensor<'float32'>;
declare const doubles: Tensor<'float64'>;

export const frameworks: readonly AnyFramework[] = [tfjs];

await models.save('m', layers, tfjs);
await models.save('m', sequential, tfjs);
await models.save('m', graph, tfjs);
await models.save('m', loaded, tfjs);
await models.save('m', 'models/mlp', tfjs);
// @ts-expect-error no model
await models.save('m', 1, tfjs);

const { y } = await toRunner(await models.get('m', tfjs)).predict.run({ x: floats });
yes<Equal<typeof y, Tensor | undefined>>();

const typed = tfjsWith({ inputs: { x: 'float32' }, outputs: { p: 'float32', n: 'int32' } });
const { p, n } = await toRunner(await models.get('m', typed)).predict.run({ x: doubles });
yes<Equal<typeof p, Tensor<'float32'>>>();
yes<Equal<typeof n, Tensor<'int32'>>>();
// @ts-expect-error an input is missing
await toRunner(await models.get('m', typed)).predict.run({});
