import { className, describeNode, expectObject, isPickleObject } from '@ekiben/pickle';
import type { CustomObjectCodec, PickleNode } from '@ekiben/spec';
import { DictVectorizer, invalid, type DictVectorizerOptions } from './dict-vectorizer.ts';

const classes = [
  'sklearn.feature_extraction._dict_vectorizer.DictVectorizer',
  'sklearn.feature_extraction.dict_vectorizer.DictVectorizer', // before scikit-learn 0.22
];

/** By the class that the attribute `dtype` refers to. */
const dtypes = new Map<string, 'float32' | 'float64'>([
  ['numpy.float64', 'float64'],
  ['numpy.float32', 'float32'],
  ['builtins.float', 'float64'],
]);

/**
 * Reads a fitted `DictVectorizer` from a pickle of scikit-learn (1.1 and 1.9 are tested), and keeps one as JSON.
 *
 * `decode` throws EKIBEN_PICKLE_CLASS_NOT_ALLOWED for another class, EKIBEN_SKLEARN_VECTORIZER for a vectorizer that
 * was never fitted, whose dtype is neither float32 nor float64, or whose feature names are not strings; `fromJson`
 * throws EKIBEN_SKLEARN_VECTORIZER.
 */
export const dictVectorizer: CustomObjectCodec<DictVectorizer> = {
  classes,

  decode(node) {
    const { state } = expectObject(node, classes);
    if (!(state instanceof Map)) return invalid('its pickle holds no attributes');
    return new DictVectorizer({
      featureNames: featureNames(state.get('vocabulary_')),
      separator: state.get('separator'),
      dtype: dtype(state.get('dtype')),
      sparse: state.get('sparse'),
    });
  },

  fromJson(value) {
    if (typeof value !== 'object' || value === null) return invalid('its JSON must be an object');
    return new DictVectorizer(value as DictVectorizerOptions);
  },

  toJson({ featureNames, separator, dtype, sparse }) {
    return { featureNames, separator, dtype, sparse } satisfies DictVectorizerOptions;
  },
};

/**
 * The names in the order of their columns. scikit-learn transforms by `vocabulary_`; `feature_names_` only describes
 * it.
 */
function featureNames(vocabulary: PickleNode | undefined): string[] {
  if (!(vocabulary instanceof Map)) return invalid('it has no vocabulary_, so it was never fitted');
  const entries: [PickleNode, PickleNode][] = [...vocabulary];
  const byColumn = new Map(entries.map(([name, column]) => [column, name]));
  return entries.map((_, column) => {
    const name = byColumn.get(column);
    if (name === undefined) return invalid(`no feature of its vocabulary_ has column ${column} of ${entries.length}`);
    if (typeof name !== 'string') return invalid(`${describeNode(name)} is a feature name, where only a str can be`);
    return name;
  });
}

function dtype(node: PickleNode | undefined): 'float32' | 'float64' {
  const name = isPickleObject(node) ? className(node) : describeNode(node ?? null);
  return dtypes.get(name) ?? invalid(`its dtype is ${name}, where only ${[...dtypes.keys()].join(', ')} can be`);
}
