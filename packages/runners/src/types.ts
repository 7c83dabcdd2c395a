/** The public types of a runner. */
import type { AnyMethod, MethodName, Signatures } from '@ekiben/spec';
import type { Model } from '@ekiben/store';

/** What one call may ask for, beside its arguments. */
export interface CallOptions {
  /** Aborts the call: it leaves the queue, or its answer is dropped. */
  readonly signal?: AbortSignal | undefined;
  /** The time after which nobody wants the answer, in milliseconds of `performance.now()`. @default none */
  readonly deadline?: number | undefined;
  /** Higher goes first among the calls of one caller. @default 0 */
  readonly priority?: number | undefined;
  /** Who asks; queues are served round robin over callers. @default one caller for all */
  readonly caller?: string | undefined;
}

/** One method of a model, called wherever the model runs. */
export interface RunnerMethod<F extends AnyMethod> {
  /**
   * Calls the method. Rejects with what the method throws, or with an EkibenError when the call did not get there
   * (EKIBEN_METHOD_NOT_SAVED, EKIBEN_RUNNER_CRASHED, EKIBEN_RUNNER_DOWN, …).
   */
  run(...args: Parameters<F>): Promise<Awaited<ReturnType<F>>>;
  /** The method with options for its calls. They come first: behind the arguments they could be taken for an optional one. */
  with(call: CallOptions): Pick<RunnerMethod<F>, 'run' | 'stream'>;
  /** Iterates over what an async generator yields, as it yields it. */
  stream(...args: Parameters<F>): ReturnType<F> extends AsyncIterable<infer T> ? AsyncIterable<T> : never;
}

/**
 * What is not a method of a runner stands under this symbol, because a model's own method may be called `name` or `run`
 * (`onnxRunner.run.run(x)`).
 */
export const runnerInfo: unique symbol = Symbol.for('@ekiben/runners/info') as never;

/** A runner whose methods do not matter. */
export interface AnyRunner {
  readonly [runnerInfo]: {
    readonly name: string;
    /** Tags of the models it runs, such as `credit_risk_model:sizn5hxhsk3i4ax4`. */
    readonly models: readonly string[];
  };
}

/** A model that can be called from here, wherever it runs: one {@link RunnerMethod} for each method of `M`. */
export type Runner<M> = AnyRunner & {
  readonly [K in MethodName<M>]: M[K] extends infer F extends AnyMethod ? RunnerMethod<F> : never;
};

export interface RunnerOptions<M> {
  /** Unique in a service; a worker process finds its runner by it. @default the model's name */
  readonly name?: string | undefined;
  /**
   * `embedded`: in the process that calls; `process`: in worker processes; `auto`: measured at start.
   * Counts once the runner is started by a server (`startRunners`); before that every call runs embedded.
   * @default 'auto'
   */
  readonly placement?: 'auto' | 'embedded' | 'process' | undefined;
  /** Worker processes. @default 1 */
  readonly workers?: number | undefined;
  /** How calls are batched, over what `model.yaml` and the framework say. */
  readonly methods?: Partial<Signatures<M>> | undefined;
}

/**
 * A custom runnable: any class with methods, constructed only in the process that computes. Its runner must be among the
 * `runners` of the exported Service, where a worker process finds it by name.
 */
export interface RunnableClass<M extends object> {
  new (models: readonly Model<unknown, object>[]): M;
  /** How calls of its methods are batched; a method that is not listed is not batchable. */
  readonly signatures: Partial<Signatures<M>>;
}
