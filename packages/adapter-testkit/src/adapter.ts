import type { AnyMethod, ErrorCode, Framework, MethodName } from '@ekiben/spec';
import type { CaseName } from './cases.ts';

/** A call, and what the framework's own library answers to it. */
export interface Call<Method> {
  readonly args: Method extends AnyMethod ? Parameters<Method> : never;
  readonly result: Method extends AnyMethod ? Awaited<ReturnType<Method>> : never;
}

/** Arguments that must be refused. */
export interface Refusal {
  readonly args: readonly unknown[];
  readonly code: ErrorCode;
}

/** One model of an adapter, with all that the cases need to know of it. */
export interface Adapter<Native extends Source, Methods extends object, Options extends object, Source> {
  readonly framework: Framework<Native, Methods, Options, Source>;
  /** In the titles of tests. @default the framework's module */
  readonly title?: string | undefined;
  /** What `save` takes. */
  model(): Source | Promise<Source>;
  /** What `save` takes besides. */
  readonly options?: NoInfer<Options> | undefined;
  /** At least one; with several rows for a method whose calls are joined. Empty for a method that this model has not. */
  readonly calls: { readonly [Name in MethodName<Methods>]: readonly Call<Methods[Name]>[] };
  /** At least one; such as a wrong shape, or a method that this model has not. */
  readonly refused: { readonly [Name in MethodName<Methods>]?: readonly Refusal[] };
  /** Difference up to which numbers are equal: kernels round otherwise for other batches. @default 0 */
  readonly tolerance?: number | undefined;
  /** What is held outside the garbage collector, such as tensors of WebAssembly. Calls must not add to it, and `close` gives all back. */
  readonly held?: (() => number) | undefined;
  /** Cases that cannot hold, each with its reason, which stands in the test's title. */
  readonly skip?: { readonly [Name in CaseName]?: string } | undefined;
}
