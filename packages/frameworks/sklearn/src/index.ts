export { dictVectorizer } from './codec.ts';
export { DictVectorizer, type DictVectorizerOptions } from './dict-vectorizer.ts';
