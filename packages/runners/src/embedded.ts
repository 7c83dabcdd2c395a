/** A model in the process that computes: the one that calls, or a worker. */
import { EkibenError } from '@ekiben/spec';
import type { Runnable } from '@ekiben/spec';
import { Batches } from './batches.ts';
import { throwIfOver } from './call.ts';
import type { Call } from './call.ts';
import { inChunks } from './chunks.ts';
import type { Compute, MethodState, RunnerCore } from './core.ts';

export class Embedded {
  readonly #core: RunnerCore;
  readonly #runnable: Runnable<object>;
  readonly #computes = new Map<MethodState, Compute>();
  readonly #batches = new Map<MethodState, Batches>();
  #warm: Promise<number | null> | null = null;

  /** Loads the weights and binds the methods, once for all calls. */
  static async load(core: RunnerCore): Promise<Embedded> {
    return new Embedded(core, await core.definition.load());
  }

  private constructor(core: RunnerCore, runnable: Runnable<object>) {
    this.#core = core;
    this.#runnable = runnable;
    const methods = runnable.methods as Readonly<Record<string, Compute | undefined>>;
    for (const method of core.methods.values()) {
      const compute = methods[method.name];
      if (typeof compute === 'function') this.#computes.set(method, compute.bind(methods));
      else if (method.signature.refused === null) throw notImplemented(core.definition.name, method.name);
    }
  }

  /** Warms up, once. How long a call takes by the runnable's own account, in ms; null if it has no `warmUp`. */
  warmUp(): Promise<number | null> {
    this.#warm ??= this.#measure();
    return this.#warm;
  }

  async #measure(): Promise<number | null> {
    if (this.#runnable.warmUp === undefined) return null;
    const begin = performance.now();
    let best = Infinity;
    for (let time = 0; time < WARM_UPS && performance.now() - begin < MAX_WARM_UP_MS; time++) {
      const start = performance.now();
      await this.#runnable.warmUp();
      best = Math.min(best, performance.now() - start);
    }
    return best;
  }

  /** Joins the calls of every batchable method: in a worker, where those of many processes meet. */
  batchAll(): void {
    for (const method of this.#computes.keys()) this.#batch(method);
  }

  call(method: MethodState, args: readonly unknown[], call: Call): Promise<unknown> {
    const batches = this.#batches.get(method);
    return batches === undefined ? this.#callAlone(method, args, call) : batches.run(args, call);
  }

  async #callAlone(method: MethodState, args: readonly unknown[], call: Call): Promise<unknown> {
    throwIfOver(call);
    const compute = this.#compute(method);
    const result = compute(...args);
    if (isThenable(result)) this.#batch(method);
    else method.direct ??= method.signature.batchable ? inChunks(compute, method.signature) : compute;
    return result;
  }

  async *stream(method: MethodState, args: readonly unknown[], call: Call): AsyncGenerator<unknown, void> {
    throwIfOver(call);
    const items = this.#compute(method)(...args);
    if (!isAsyncIterable(items)) throw notStreaming(method.name);
    for await (const item of items) {
      yield item;
      throwIfOver(call);
    }
  }

  async close(): Promise<void> {
    for (const method of this.#computes.keys()) {
      method.direct = null;
      this.#core.setQueued(method, false);
    }
    await Promise.all([...this.#batches.values()].map((batches) => batches.close()));
    await this.#runnable.close?.();
  }

  #batch(method: MethodState): void {
    const { definition, settings } = this.#core;
    if (!method.signature.batchable || !settings.batching.enabled || this.#batches.has(method)) return;
    const batches = new Batches({
      runner: definition.name,
      method: method.name,
      signature: method.signature,
      settings: settings.batching,
      compute: this.#compute(method),
    });
    this.#batches.set(method, batches);
    this.#core.setQueued(method, true);
  }

  #compute(method: MethodState): Compute {
    const compute = this.#computes.get(method);
    if (compute === undefined) throw notImplemented(this.#core.definition.name, method.name);
    return compute;
  }
}

/** The first one pays for lazy loading and compilation; the best of them tells what a call costs. */
const WARM_UPS = 3;

/** A model that takes longer is slow, whatever the next time would be. */
const MAX_WARM_UP_MS = 500;

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

function notStreaming(method: string): EkibenError {
  const message = `${method} does not return an async iterable: call it with run().`;
  return new EkibenError('EKIBEN_METHOD_NOT_STREAMING', message);
}
