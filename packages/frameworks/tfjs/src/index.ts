export type { OutputInfo } from '@ekiben/spec';
export type { Format } from './artifacts.ts';
export type { BackendChosen, BackendName } from './backend.ts';
export { tfjs, tfjsWith } from './framework.ts';
export type { InputTypes, OutputTypes, TfjsFramework, TfjsMethods, TfjsOptions } from './framework.ts';
export { MAX_MODEL_JSON_BYTES } from './limits.ts';
export { loadTfjs } from './model.ts';
export type { LoadOptions, TfjsModel } from './model.ts';
export type { SaveableModel, SaveResult } from './save.ts';
