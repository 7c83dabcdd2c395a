export { onnx, onnxWith } from './framework.ts';
export type { InputTypes, OnnxFramework, OnnxMethods, OnnxOptions, OutputTypes } from './framework.ts';
export { MAX_GRAPH_DEPTH, MAX_MODEL_BYTES } from './limits.ts';
export { loadOnnx } from './model.ts';
export type { LoadOptions, OnnxFile, OnnxModel, OnnxValue, OutputInfo } from './model.ts';
export type { OnnxSaveOptions, Provider, ProviderName } from './options.ts';
export type { RuntimeName } from './runtime.ts';
export type { OpenOptions, SessionOpened, SessionOptions } from './session.ts';
export type { ClassScores } from './zip-map.ts';
