/** The public types of a runner. */
import type { CallOptions } from '@ekiben/batching';
import type { AnyMethod, MethodName, Signatures } from '@ekiben/spec';
import type { Model } from '@ekiben/store';

export type { CallOptions } from '@ekiben/batching';

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

/** How calls of the batchable methods meet. Names in `bentoconfiguration.yaml` are snake case. */
export interface Batching {
  /** @default true */
  readonly enabled?: boolean | undefined;
  /** Rows of a batch at most. @default 100 */
  readonly maxBatchSize?: number | undefined;
  /** A call that cannot be answered within is refused with EKIBEN_BATCHER_OVERLOADED. @default 10000 */
  readonly maxLatencyMs?: number | undefined;
  /** How long a call may be held back for company beside an idle worker. @default 0 */
  readonly maxWaitMs?: number | undefined;
}

/** What the workers of a runner may use. */
export interface Resources {
  /** CPUs of all its workers together, for the native threads of each. @default the container's, shared by all runners in processes */
  readonly cpus?: number | undefined;
  /** How many GPUs (`2` means 0 and 1), or which: each worker sees its own only. @default none */
  readonly gpus?: number | string | readonly (number | string)[] | undefined;
  /** Workers that share a GPU; 0.5: one worker has two. @default 1 */
  readonly workersPerGpu?: number | undefined;
  /** A worker with a larger resident memory is replaced after it has answered what it has, in MiB. @default no limit */
  readonly memoryMiB?: number | undefined;
}

/** What may be said of a runner without knowing its methods: in code, or by name in a configuration, which then counts. */
export interface RunnerSettings {
  /**
   * `embedded`: in the process that calls; `process`: in worker processes; `auto`: as measured at start.
   * Counts once a server has started the runner (`startRunners`); before that every call computes in the calling process.
   * @default 'auto'
   */
  readonly placement?: 'auto' | 'embedded' | 'process' | undefined;
  /** Worker processes. @default 1, or as many as the GPUs need */
  readonly workers?: number | undefined;
  /**
   * How long a call may take that is queued or goes to a process, in ms; EKIBEN_DEADLINE_EXCEEDED then.
   * @default what the request has left
   */
  readonly timeoutMs?: number | undefined;
  readonly resources?: Resources | undefined;
  readonly batching?: Batching | undefined;
}

export interface RunnerOptions<M> extends RunnerSettings {
  /** Unique in a service; a worker process finds its runner by it. @default the model's name */
  readonly name?: string | undefined;
  /** How calls of single methods are batched, over what `model.yaml` and the framework say. */
  readonly methods?: Partial<Signatures<M>> | undefined;
}

/** Of a runner for a class. */
export interface ClassOptions<M> extends RunnerOptions<M> {
  readonly name: string;
  /** What the class's constructor gets. @default none */
  readonly models?: readonly Model<unknown, object>[] | undefined;
}

/**
 * A custom runnable: any class with methods, constructed only in the process that computes. Its runner must be among the
 * `runners` of the exported Service, where a worker process finds it by name.
 *
 * A method `warmUp` without parameters is one small call: it is awaited, up to three times, before the runner counts as ready, and by its
 * time `auto` places it. `[Symbol.asyncDispose]` is called at the end.
 */
export interface RunnableClass<M extends object> {
  new (models: readonly Model<unknown, object>[]): M;
  /** How calls of its methods are batched; a method that is not listed is not batchable. */
  readonly signatures: Partial<Signatures<M>>;
}
