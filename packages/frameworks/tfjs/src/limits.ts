/** A model.json holds no weights; those of the largest public models have some 20 MB. Parsed, a file takes several times its size. */
export const MAX_MODEL_JSON_BYTES = 2 ** 28;

/** Of another's error in ours: TensorFlow.js may cite a whole model. */
export const MAX_REASON_LENGTH = 500;
