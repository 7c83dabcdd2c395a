/** A model in the process that calls it. */
import { EkibenError } from '@ekiben/spec';
import type { Runnable } from '@ekiben/spec';
import { throwIfOver } from './call.ts';
import type { Compute, MethodState, RunnerDefinition } from './core.ts';
import type { CallOptions } from './types.ts';

export class Embedded {
  readonly #runnable: Runnable<object>;
  readonly #compute: ReadonlyMap<MethodState, Compute>;

  private constructor(runnable: Runnable<object>, compute: ReadonlyMap<MethodState, Compute>) {
    this.#runnable = runnable;
    this.#compute = compute;
  }

  /** Loads the weights and binds the methods, once for all calls. */
  static async load({ name, load }: RunnerDefinition, methods: ReadonlyMap<string, MethodState>): Promise<Embedded> {
    const runnable = await load();
    const bound = new Map<MethodState, Compute>();
    for (const method of methods.values()) {
      const compute = (runnable.methods as Readonly<Record<string, Compute | undefined>>)[method.name];
      if (typeof compute === 'function') bound.set(method, compute.bind(runnable.methods));
      else if (method.signature.refused === null) throw notImplemented(name, method.name);
    }
    return new Embedded(runnable, bound);
  }

  async warmUp(): Promise<void> {
    await this.#runnable.warmUp?.();
  }

  /** The first call also tells whether the method answers at once; if so, the next calls do without us. */
  async call(method: MethodState, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    throwIfOver(options);
    const compute = this.#bound(method);
    const result = compute(...args);
    if (!isThenable(result)) method.direct = compute;
    return result;
  }

  async *stream(method: MethodState, args: readonly unknown[], options: CallOptions): AsyncGenerator<unknown, void> {
    throwIfOver(options);
    const items = this.#bound(method)(...args);
    if (!isAsyncIterable(items)) {
      throw new EkibenError(
        'EKIBEN_METHOD_NOT_STREAMING',
        `${method.name} does not return an async iterable: call it with run().`,
      );
    }
    for await (const item of items) {
      yield item;
      throwIfOver(options);
    }
  }

  async close(): Promise<void> {
    for (const method of this.#compute.keys()) method.direct = null;
    await this.#runnable.close?.();
  }

  #bound(method: MethodState): Compute {
    const compute = this.#compute.get(method);
    if (compute === undefined) throw notImplemented('the runner', method.name);
    return compute;
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

function notImplemented(runner: string, method: string): EkibenError {
  return new EkibenError(
    'EKIBEN_METHOD_NOT_IMPLEMENTED',
    `${runner}: the framework declares a signature for ${method}, but its runnable() returned no such function.`,
  );
}
