/** Protocol buffers end at 2 GiB; larger models keep their weights in external files. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** How deep graphs nest, as bodies of If and Loop. Exporters write a handful of levels, and each is a call on the stack. */
export const MAX_GRAPH_DEPTH = 32;

/** Of another's error in ours. ONNX Runtime puts signatures of C++ functions before what it has to say. */
export const MAX_REASON_LENGTH = 1000;
