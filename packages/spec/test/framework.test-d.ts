import type { AnyFramework, Floats, Framework, MethodName, Tensor } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

interface Methods {
  predict(rows: Floats): Tensor<'float32'>;
  readonly size: number;
}
declare const rows: Framework<{ trees: number }, Methods>;
declare const named: Framework<
  string,
  { run(inputs: Readonly<Record<string, Tensor>>): Promise<Tensor> },
  { providers: string[] }
>;

yes<Equal<MethodName<Methods>, 'predict'>>();
export const frameworks: readonly AnyFramework[] = [rows, named];
// @ts-expect-error a signature is missing
export const incomplete: Framework<string, Methods>['signatures'] = {};
export const scalars: [number, bigint, boolean, string] = [
  (null as unknown as Tensor<'float16'>).item(0),
  (null as unknown as Tensor<'int64'>).item(0),
  (null as unknown as Tensor<'bool'>).item(0),
  (null as unknown as Tensor<'string'>).item(0),
];

declare const fromFile: Framework<{ session: 1 }, { run(x: Tensor): Tensor }, object, { session: 1 } | string>;
export const saves = [fromFile.save('model.onnx', null as never, {}), fromFile.save({ session: 1 }, null as never, {})];
// @ts-expect-error neither its own model nor a path
export const refused = fromFile.save(1, null as never, {});
