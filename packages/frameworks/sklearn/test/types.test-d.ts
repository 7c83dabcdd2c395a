import type { CustomObjectCodec, Floats } from '@ekiben/spec';
import { dictVectorizer, DictVectorizer } from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>() => undefined as T | undefined;

interface Application {
  readonly age: number;
  readonly home: string;
}
declare const applications: readonly Application[];

const vectorizer = new DictVectorizer({ featureNames: ['age'], separator: undefined });
export const codec: CustomObjectCodec<DictVectorizer> = dictVectorizer;
export const rows: Floats = vectorizer.transform(applications);
yes<Equal<ReturnType<typeof vectorizer.transform>, Floats>>();
// @ts-expect-error a row is an object
vectorizer.transform('age=1');
// @ts-expect-error no other dtype
new DictVectorizer({ featureNames: [], dtype: 'int64' });
