// Execution providers, as the runtimes for JavaScript name them and as model.yaml does, which Python reads as well.
import { EkibenError } from '@ekiben/spec';

/** Where a model computes, by ONNX Runtime's name for it, or with its options: `{ name: 'cuda', deviceId: 1 }`. */
export type Provider = ProviderName | { readonly name: ProviderName; readonly [option: string]: unknown };
export type ProviderName = keyof typeof PYTHON_NAMES;

/** What can be said when a model is saved; it stands in model.yaml from then on. */
export interface OnnxSaveOptions {
  /** Tried in this order, then the CPU. @default the CPU; CUDA before it where the runner was given a GPU */
  readonly providers?: readonly Provider[] | undefined;
}

const PYTHON_NAMES = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  tensorrt: 'TensorrtExecutionProvider',
  dml: 'DmlExecutionProvider',
  coreml: 'CoreMLExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  qnn: 'QNNExecutionProvider',
} as const;

export const nameOf = (provider: Provider): ProviderName => (typeof provider === 'string' ? provider : provider.name);

/** @throws EKIBEN_ONNX_PROVIDER for one that there is not in Node */
export function checkProviders(providers: readonly Provider[]): readonly Provider[] {
  const isKnown = (provider: Provider | null | undefined) => provider && Object.hasOwn(PYTHON_NAMES, nameOf(provider));
  if (Array.isArray(providers) && providers.every(isKnown)) return providers;
  throw unknownProvider('`providers` is a list of execution providers, not', providers, Object.keys(PYTHON_NAMES));
}

/** BentoML's form: a list of names, or of pairs of a name and its options. @throws EKIBEN_ONNX_PROVIDER */
export function toPython(providers: readonly Provider[]): unknown[] {
  return checkProviders(providers).map((provider) => {
    const { name, ...options } = typeof provider === 'string' ? { name: provider } : provider;
    const snakeCase = (option: string) => option.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    return Object.keys(options).length === 0 ? PYTHON_NAMES[name] : [PYTHON_NAMES[name], renamed(options, snakeCase)];
  });
}

/** @throws EKIBEN_ONNX_PROVIDER for one that there is not in Node */
export function fromPython(providers: unknown): Provider[] {
  if (!Array.isArray(providers)) throw notOfModelYaml(providers);
  return providers.map((entry: unknown) => {
    const [python, options]: unknown[] = Array.isArray(entry) ? entry : [entry];
    const name = Object.entries(PYTHON_NAMES).find(([, known]) => known === python)?.[0] as ProviderName | undefined;
    if (name === undefined) throw notOfModelYaml(python);
    if (typeof options !== 'object' || options === null) return name;
    const camelCase = (option: string) => option.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    return { ...renamed(options, camelCase), name };
  });
}

const renamed = (options: object, rename: (option: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).map(([option, value]) => [rename(option), value as unknown]));

const notOfModelYaml = (found: unknown): EkibenError =>
  unknownProvider('model.yaml asks for the execution provider', found, Object.values(PYTHON_NAMES));

function unknownProvider(fault: string, found: unknown, known: readonly string[]): EkibenError {
  const message = `${fault} ${JSON.stringify(found)?.slice(0, 100)}; those of ONNX Runtime for Node are ${known.join(', ')}`;
  return new EkibenError('EKIBEN_ONNX_PROVIDER', message);
}
