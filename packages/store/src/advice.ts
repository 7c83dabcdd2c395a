// What to do with a model that no framework here runs.

const BY_MODULE: Readonly<Record<string, (tag: string) => string>> = {
  '': () =>
    'it holds plain files, for no framework: read them from the path that `ekiben models get TAG -o path` prints',
  'bentoml.picklable_model': () => 'it holds Python code, which runs in Python only',
  'bentoml.pytorch': (tag) => exportTorch(tag, 'pytorch'),
  'bentoml.pytorch_lightning': (tag) => exportTorch(tag, 'pytorch_lightning'),
  'bentoml.torchscript': (tag) => exportTorch(tag, 'torchscript'),
  'bentoml.keras': (tag) => exportKeras(tag, 'keras'),
  'bentoml.tensorflow': (tag) => exportKeras(tag, 'tensorflow'),
  'bentoml.tensorflow_v1': (tag) => exportKeras(tag, 'tensorflow'),
};

/** How a model of `module` can be served from Node after all; undefined when it only wants its own framework. */
export function servingAdvice(module: string, tag: string): string | undefined {
  return Object.hasOwn(BY_MODULE, module) ? BY_MODULE[module]?.(tag) : undefined;
}

function exportTorch(tag: string, module: string): string {
  return `export it to ONNX in Python, \`torch.onnx.export(bentoml.${module}.load_model('${tag}'), example_input, 'model.onnx')\`, and save that with bentoml.onnx.save_model`;
}

function exportKeras(tag: string, module: string): string {
  return `export it to ONNX in Python, \`tf2onnx.convert.from_keras(bentoml.${module}.load_model('${tag}'), output_path='model.onnx')\`, and save that with bentoml.onnx.save_model`;
}
