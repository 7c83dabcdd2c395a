import type { DType, TensorInfo } from './tensor.ts';

/**
 * Any function, as a constraint: its parameters are contravariant, so `never[]` accepts all. Overloads and generic methods lose
 * their types through it; adapters have none.
 */
export type AnyMethod = (...args: never[]) => unknown;

/** The names of the methods of `M`. */
export type MethodName<M> = { [K in keyof M]: M[K] extends AnyMethod ? K : never }[keyof M] & string;

/** How calls of one method may meet in a batch. */
export interface Signature {
  /** The method's name in `model.yaml`. @default the method's own name */
  readonly wireName?: string | undefined;
  /** Whether calls may be joined into one. */
  readonly batchable: boolean;
  /** The axes along which inputs are joined and outputs split. @default [0, 0] */
  readonly batchDim?: readonly [input: number, output: number] | undefined;
  /** Whether a failed call may be made again: it has no side effect. @default false */
  readonly retrySafe?: boolean | undefined;
}

export type Signatures<M> = { readonly [K in MethodName<M>]: Signature };

/** The part of `model.yaml` that concerns a framework. */
export interface ModelManifest {
  /** `bentoml.xgboost`, or the npm name of the adapter. */
  readonly module: string;
  /** By name in `model.yaml`, such as `predict_proba`. */
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly options: Readonly<Record<string, unknown>>;
  /** Versions of the libraries that saved the model, such as `{ xgboost: '1.6.2' }`. */
  readonly frameworkVersions: Readonly<Record<string, string>>;
}

/** The files of a stored model, by their path inside its directory. */
export interface ModelFiles {
  /** Absolute path, for libraries that open files themselves. */
  readonly dir: string;
  /** @throws EKIBEN_MODEL_FILE_NOT_FOUND */
  read(name: string): Promise<Uint8Array>;
}

/** A model directory that is being written; it appears in the store only when all of it is there. */
export interface Draft {
  /** Absolute path, for libraries that write files themselves. */
  readonly dir: string;
  write(name: string, bytes: Uint8Array): Promise<void>;
}

/** What `Framework.save` adds to `model.yaml`. */
export interface SavedModel {
  readonly options: Readonly<Record<string, unknown>>;
  /** Library versions, such as `{ xgboost: '3.2.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
  /**
   * By method: what `model.yaml` is to list for this very model, where that is not all that the framework declares; Python's runner
   * fails at methods that its class does not have. The caller's own word wins, and adds to it.
   */
  readonly signatures?: Readonly<Record<string, Signature>> | undefined;
  /** Of BentoML's module for the framework, as which Python reads the options. @default 'v2' */
  readonly apiVersion?: 'v1' | 'v2' | undefined;
}

/** A loaded model, ready to compute. `close` and `warmUp` are its life cycle, never methods of a runner. */
export interface Runnable<Methods extends object> {
  readonly methods: Methods;
  warmUp?(): Promise<void>;
  close?(): Promise<void>;
}

/** What a method takes and gives, for documentation and for callers that know the model only. */
export interface MethodInfo {
  /** One for each argument, in order. */
  readonly inputs: readonly TensorInfo[];
  /** A tensor, or a record of several by name; `dtype` is null for what is no tensor. */
  readonly output: OutputInfo | readonly OutputInfo[];
}

export interface OutputInfo extends Omit<TensorInfo, 'dtype'> {
  readonly dtype: DType | null;
}

/**
 * One machine-learning framework as a plain value: how to save, load and run its models. An adapter package exports one.
 *
 * @typeParam Native - the framework's own model, such as a booster
 * @typeParam Methods - what can be called on it, such as `{ predict(rows: Floats): Tensor<'float32'> }`
 * @typeParam Options - what can be said when a model is saved
 * @typeParam Source - what `save` takes as the model: `Native`, and perhaps more, such as the path of a file
 */
export interface Framework<
  Native,
  Methods extends object,
  Options extends object = Record<never, never>,
  Source = Native,
> {
  /** The version of this contract; a loader refuses others by name. */
  readonly specVersion: 1;
  /** What `model.yaml` says in `module`: BentoML's name where it has the framework, else the adapter's npm name. */
  readonly module: string;
  readonly signatures: Signatures<Methods>;
  /** Where the methods should run when their measured cost does not decide. */
  readonly placement: 'embedded' | 'process';
  // Method syntax on purpose: methods are bivariant, so a list of different frameworks is assignable to AnyFramework[].
  save(model: Source, draft: Draft, options: Options): Promise<SavedModel>;
  load(files: ModelFiles, manifest: ModelManifest): Promise<Native>;
  /**
   * What the methods of a stored model take, found out with as little of it loaded as can be. A method that is not in it cannot be
   * called on this model. @default nothing is known
   */
  describe?(files: ModelFiles, manifest: ModelManifest): Promise<{ readonly [K in MethodName<Methods>]?: MethodInfo }>;
  /** Called once, in the process that computes. */
  runnable(native: Native, manifest: ModelManifest): Runnable<Methods>;
}

export type AnyFramework = Framework<unknown, object>;
