// What the compiler accepts and refuses.
import { customObject, type CustomObjectCodec, type Framework } from '@ekiben/spec';
import { models, ModelStore, type Model, type StoredModel } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(): T | undefined => undefined;

interface Forest {
  readonly trees: number;
}
interface ForestMethods {
  predict(rows: readonly number[]): number;
  predictProba(rows: readonly number[]): readonly number[];
}
declare const forest: Framework<Forest, ForestMethods, { readonly compressed?: boolean | undefined }>;
declare const words: CustomObjectCodec<readonly string[]>;

const model = await models.get('m:latest', forest);
is<Equal<typeof model, Model<Forest, ForestMethods>>>();
is<Equal<Awaited<ReturnType<typeof model.load>>, Forest>>();
is<Equal<Awaited<ReturnType<typeof model.customObject<readonly string[]>>>, readonly string[]>>();
export const list: readonly string[] = await model.customObject('words', words);
is<Equal<Awaited<ReturnType<(typeof models)['create']>>, StoredModel>>();
export const described: StoredModel = await models.get('m');

await new ModelStore('/home').save('m', { trees: 1 }, forest, {
  signatures: { predictProba: { batchable: true } },
  options: { compressed: true },
  customObjects: { words: customObject(['a'], words) },
});
// @ts-expect-error another model
await models.save('m', { leaves: 1 }, forest);
// @ts-expect-error no such option
await models.save('m', { trees: 1 }, forest, { options: { compresed: true } });
// @ts-expect-error no such method
await models.save('m', { trees: 1 }, forest, { signatures: { predictt: { batchable: true } } });
// @ts-expect-error labels are strings
await models.save('m', { trees: 1 }, forest, { labels: { rows: 3 } });
// @ts-expect-error the manifest is not to be changed
model.manifest.module = 'x';
// @ts-expect-error a level is a number
await models.export('m', 'x', { level: 'fast' });
