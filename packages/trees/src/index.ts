export { expf, logf } from './c-math.ts';
export { Forest, type ForestInit, type Tree, type TreeRange } from './forest.ts';
export { MAX_CATEGORY, MAX_CATEGORY_WORDS, MAX_FEATURES, MAX_NODES, MAX_OUTPUTS, MAX_SHAP_DEPTH } from './limits.ts';
