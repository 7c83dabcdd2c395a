/** Protocol buffers end at 2 GiB; larger models keep their weights in external files. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/** How deep graphs nest, as bodies of If and Loop. Exporters write a handful of levels, and each is a call on the stack. */
export const MAX_GRAPH_DEPTH = 32;
