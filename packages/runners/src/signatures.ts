/** Which methods a runner has, and how each is batched: the framework's word, then `model.yaml`'s, then the caller's. */
import { EkibenError } from '@ekiben/spec';
import type { ModelManifest, Signature } from '@ekiben/spec';

export interface MethodSignature {
  /** The method's name in `model.yaml`, and in metrics. */
  readonly wireName: string;
  readonly batchable: boolean;
  readonly batchDim: readonly [input: number, output: number];
  readonly retrySafe: boolean;
  /** Why the method cannot be called, although the framework has it. */
  readonly refused: EkibenError | null;
}

/** By the method's own name (`predictProba`). */
export type MethodTable = ReadonlyMap<string, MethodSignature>;

type Declared = Readonly<Record<string, Signature | undefined>>;

/** The methods of a stored model. One that `model.yaml` does not list is kept, to be refused by name when it is called. */
export function modelMethods(
  tag: string,
  framework: Declared,
  manifest: ModelManifest,
  overrides: Declared,
): MethodTable {
  const methods = new Map<string, MethodSignature>();
  for (const [name, declared] of Object.entries(framework)) {
    if (declared === undefined) continue;
    const wireName = declared.wireName ?? name;
    const saved = Object.hasOwn(manifest.signatures, wireName) ? manifest.signatures[wireName] : undefined;
    const refused = saved === undefined ? notSaved(tag, name, wireName, manifest) : null;
    methods.set(name, merge(wireName, [declared, saved, overrides[name]], refused));
  }
  checkNames(overrides, methods);
  return methods;
}

/** The methods of a custom runnable: all on its prototype chain but `Object.prototype`'s. */
export function classMethods(prototype: object, signatures: Declared, overrides: Declared): MethodTable {
  const methods = new Map<string, MethodSignature>();
  for (let at = prototype, up = parent(at); up !== null; at = up, up = parent(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name === 'constructor' || typeof value !== 'function' || methods.has(name)) continue;
      const wireName = signatures[name]?.wireName ?? name;
      methods.set(name, merge(wireName, [signatures[name], overrides[name]], null));
    }
  }
  checkNames(signatures, methods);
  checkNames(overrides, methods);
  return methods;
}

/** A misspelt name would leave its method as it is, in silence. */
function checkNames(declared: Declared, methods: MethodTable): void {
  const unknown = Object.keys(declared).find((name) => !methods.has(name));
  if (unknown === undefined) return;
  const known = [...methods.keys()].join(', ') || 'none';
  throw invalid(`There is no method "${unknown}" whose batching could be declared; the runner has ${known}.`);
}

const parent = (of: object): object | null => Object.getPrototypeOf(of) as object | null;

function merge(
  wireName: string,
  layers: readonly (Signature | undefined)[],
  refused: EkibenError | null,
): MethodSignature {
  let merged: Omit<MethodSignature, 'wireName' | 'refused'> = { batchable: false, batchDim: [0, 0], retrySafe: false };
  for (const layer of layers) {
    if (layer === undefined) continue;
    const { batchable, batchDim = merged.batchDim, retrySafe = merged.retrySafe } = layer;
    if (!Array.isArray(batchDim)) {
      throw invalid(`batchDim of ${wireName} is ${JSON.stringify(batchDim)}, but must be a pair, [input, output].`);
    }
    merged = { batchable, batchDim, retrySafe };
  }
  return { wireName, ...merged, refused };
}

function notSaved(tag: string, name: string, wireName: string, manifest: ModelManifest): EkibenError {
  const saved = Object.keys(manifest.signatures).join(', ') || 'none';
  return new EkibenError(
    'EKIBEN_METHOD_NOT_SAVED',
    `${name}: model.yaml of ${tag} has no signature '${wireName}' (it has: ${saved}). Save the model with a signature for it.`,
    { details: { model: tag, method: name } },
  );
}

const invalid = (message: string) => new EkibenError('EKIBEN_RUNNER_OPTION_INVALID', message);
