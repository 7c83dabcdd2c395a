/** What a runner is behind its methods: what to load, how its calls are batched, and where they go at the moment. */
import { EkibenError } from '@ekiben/spec';
import type { Runnable } from '@ekiben/spec';
import { Embedded } from './embedded.ts';
import { inContext } from './call.ts';
import type { Call } from './call.ts';
import type { MethodSignature, MethodTable } from './signatures.ts';
import type { AnyRunner, CallOptions } from './types.ts';

/** A function that computes, bound to its model. */
export type Compute = (...args: readonly unknown[]) => unknown;

/** A place where the calls of a runner can go, other than this process. */
export interface Target {
  call(method: string, args: readonly unknown[], call: Call): Promise<unknown>;
  stream(method: string, args: readonly unknown[], call: Call): AsyncIterable<unknown>;
  close(): Promise<void>;
}

export interface RunnerDefinition {
  readonly name: string;
  /** Tags of the models it runs. */
  readonly models: readonly string[];
  readonly methods: MethodTable;
  readonly placement: 'auto' | 'embedded' | 'process';
  /** What `auto` takes when the measured cost does not decide. */
  readonly declaredPlacement: 'embedded' | 'process';
  readonly workers: number;
  load(): Promise<Runnable<object>>;
}

/** One method of a runner. */
export interface MethodState {
  readonly name: string;
  readonly signature: MethodSignature;
  /** Set once the method is known to compute in this process and to answer at once: then a call is a plain function call. */
  direct: Compute | null;
}

export class RunnerCore {
  readonly definition: RunnerDefinition;
  readonly methods: ReadonlyMap<string, MethodState>;
  #embedded: Promise<Embedded> | null = null;
  #remote: Target | null = null;

  constructor(definition: RunnerDefinition) {
    this.definition = definition;
    this.methods = new Map(
      [...definition.methods].map(([name, signature]) => [name, { name, signature, direct: null }]),
    );
  }

  /** Whether calls must know who asks and for how long, because they cross a process or wait in a queue. */
  get usesContext(): boolean {
    return this.#remote !== null;
  }

  /** Sends the calls to `remote` from now on; null: back to this process. */
  attach(remote: Target | null): void {
    for (const method of this.methods.values()) method.direct = null;
    this.#remote = remote;
  }

  /** The model in this process, loaded once; after a failure the next call tries again. */
  embedded(): Promise<Embedded> {
    this.#embedded ??= Embedded.load(this.definition, this.methods).catch((error: unknown) => {
      this.#embedded = null;
      throw error;
    });
    return this.#embedded;
  }

  async call(method: MethodState, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    if (method.signature.refused !== null) throw method.signature.refused;
    if (this.#remote !== null) return this.#remote.call(method.name, args, inContext(options));
    return (await this.embedded()).call(method, args, options);
  }

  async *stream(method: MethodState, args: readonly unknown[], options: CallOptions): AsyncGenerator<unknown, void> {
    if (method.signature.refused !== null) throw method.signature.refused;
    if (this.#remote !== null) yield* this.#remote.stream(method.name, args, inContext(options));
    else yield* (await this.embedded()).stream(method, args, options);
  }

  async close(): Promise<void> {
    const [remote, embedded] = [this.#remote, this.#embedded];
    this.attach(null);
    this.#embedded = null;
    await remote?.close();
    await (await embedded?.catch(() => undefined))?.close();
  }
}

/** In the global registry, with a version: the server's copy of this package drives runners that the service's copy made. */
const core: unique symbol = Symbol.for('@ekiben/runners/core/1') as never;

export function setCore(runner: object, value: RunnerCore): void {
  Object.defineProperty(runner, core, { value });
}

/** @throws EKIBEN_RUNNER_INVALID for what `toRunner` did not make. */
export function coreOf(runner: AnyRunner): RunnerCore {
  const found = (runner as { readonly [core]?: RunnerCore })[core];
  if (found !== undefined) return found;
  throw new EkibenError(
    'EKIBEN_RUNNER_INVALID',
    '`runners` must hold what toRunner() returned, made by this major version of @ekiben/runners.',
  );
}

/**
 * Whether a call of this runner needs the request's context (see {@link withCallContext}) at the moment: not if it computes at
 * once in the process that calls.
 */
export function usesCallContext(runner: AnyRunner): boolean {
  return coreOf(runner).usesContext;
}
