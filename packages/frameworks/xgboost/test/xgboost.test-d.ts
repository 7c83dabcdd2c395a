// Types of the framework value, checked by tsc.
import type { AnyFramework, Framework, Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import { loadBooster, xgboost } from '../src/index.ts';
import type { Booster, XgboostMethods, XgboostSaveOptions } from '../src/index.ts';

export const known: readonly AnyFramework[] = [xgboost];
export const typed: Framework<Booster, XgboostMethods, XgboostSaveOptions> = xgboost;

declare const methods: XgboostMethods;
const rows = tensor(new Float64Array(4), [1, 4], 'float64');
export const probabilities: Tensor<'float32'> = methods.predictProba(rows);
// @ts-expect-error rows of integers
methods.predict(tensor(new Int32Array(4), [1, 4], 'int32'));

const booster = loadBooster(new Uint8Array());
export const first: number = booster.predict(rows, { iterationRange: [0, 2] }).item(0);
// @ts-expect-error a range has two ends
booster.predict(rows, { iterationRange: [0] });
// @ts-expect-error only inplacePredict has a predictType
booster.predict(rows, { predictType: 'margin' });

export const options: readonly XgboostSaveOptions[] = [{}, { modelClass: undefined }, { modelClass: 'XGBClassifier' }];
// @ts-expect-error no class of xgboost
export const wrong: XgboostSaveOptions = { modelClass: 'XGBTransformer' };
