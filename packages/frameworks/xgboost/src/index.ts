export { loadBooster, type Booster, type InplaceOptions, type PredictOptions } from './booster.ts';
export { xgboost, type ModelClass, type XgboostMethods, type XgboostSaveOptions } from './framework.ts';
export { MAX_DEPTH, MAX_VALUES } from './limits.ts';
