/** What a runner is behind its methods: what to load, how its calls are batched, and where they go at the moment. */
import { EkibenError } from '@ekiben/spec';
import type { Runnable } from '@ekiben/spec';
import { Embedded } from './embedded.ts';
import { inContext, withTrace } from './call.ts';
import type { Call } from './call.ts';
import { beginCall, endOf, endWith, outcomeOf } from './channels.ts';
import type { EndCall, PublishedMethod } from './channels.ts';
import { resolveSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import type { MethodSignature, MethodTable } from './signatures.ts';
import type { AnyRunner, RunnerSettings } from './types.ts';

/** A function that computes, bound to its model. */
export type Compute = (...args: readonly unknown[]) => unknown;

/** A place where the calls of a runner can go, other than this process. */
export interface Target {
  /** @param end - to be called when the call has ended */
  call(method: string, args: readonly unknown[], call: Call, end: EndCall): Promise<unknown>;
  stream(method: string, args: readonly unknown[], call: Call): AsyncIterable<unknown>;
}

export interface RunnerDefinition {
  readonly name: string;
  /** Tags of the models it runs. */
  readonly models: readonly string[];
  readonly methods: MethodTable;
  /** As the code has them. */
  readonly settings: RunnerSettings;
  /** What `auto` takes when the measured cost does not decide. */
  readonly declaredPlacement: 'embedded' | 'process';
  load(): Promise<Runnable<object>>;
}

/** One method of a runner. */
export interface MethodState {
  readonly name: string;
  readonly signature: MethodSignature;
  readonly published: PublishedMethod;
  /** Set once the method is known to compute in this process and to answer at once: then a call is a plain function call. */
  direct: Compute | null;
  /** Its calls wait in this process to be joined. */
  queued: boolean;
}

export class RunnerCore {
  readonly definition: RunnerDefinition;
  readonly methods: ReadonlyMap<string, MethodState>;
  /** Whether calls must know who asks and for how long, because they cross a process or wait in a queue. */
  usesContext = false;
  #settings: Settings;
  #embedded: Promise<Embedded> | null = null;
  /** What `#embedded` has resolved to. */
  #loaded: Embedded | null = null;
  #remote: Target | null = null;

  /** @throws EKIBEN_RUNNER_OPTION_INVALID */
  constructor(definition: RunnerDefinition) {
    this.definition = definition;
    this.#settings = resolveSettings(definition.name, definition.settings);
    this.methods = new Map(
      [...definition.methods].map(([name, signature]) => {
        const published = Object.freeze({ runner: definition.name, method: signature.wireName });
        return [name, { name, signature, published, direct: null, queued: false }];
      }),
    );
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Lets a configuration have its say, before anything is loaded. @throws EKIBEN_RUNNER_OPTION_INVALID */
  configure(settings: RunnerSettings): void {
    this.#settings = resolveSettings(this.definition.name, this.definition.settings, settings);
  }

  /** Sends the calls to `remote` from now on; null: back to this process. */
  attach(remote: Target | null): void {
    for (const method of this.methods.values()) method.direct = null;
    this.#remote = remote;
    this.#reckonContext();
  }

  /** Whether the method's calls wait in this process to be joined. */
  setQueued(method: MethodState, queued: boolean): void {
    method.queued = queued;
    this.#reckonContext();
  }

  /** Now, since every request of a server asks for it. */
  #reckonContext(): void {
    this.usesContext = this.#remote !== null || [...this.methods.values()].some(({ queued }) => queued);
  }

  /** The model in this process, loaded once; after a failure the next call tries again. */
  embedded(): Promise<Embedded> {
    this.#embedded ??= this.#load();
    return this.#embedded;
  }

  async #load(): Promise<Embedded> {
    try {
      return (this.#loaded = await Embedded.load(this));
    } catch (error) {
      this.#embedded = null;
      throw error;
    }
  }

  call(method: MethodState, args: readonly unknown[], options: Call): Promise<unknown> {
    if (method.signature.refused !== null) return Promise.reject(method.signature.refused);
    if (this.#remote !== null) {
      const call = inContext(options, this.#settings.timeoutMs);
      const started = beginCall(method.published, 'process', call);
      return this.#remote.call(method.name, args, withTrace(call, started), endOf(started));
    }
    if (this.#loaded === null) return this.embedded().then((loaded) => loaded.call(method, args, options));
    return method.queued ? this.#queue(this.#loaded, method, args, options) : this.#loaded.call(method, args, options);
  }

  #queue(loaded: Embedded, method: MethodState, args: readonly unknown[], options: Call): Promise<unknown> {
    const call = inContext(options, this.#settings.timeoutMs);
    const started = beginCall(method.published, 'queue', call);
    const end = endOf(started);
    const answer = loaded.call(method, args, withTrace(call, started));
    if (end !== null) {
      answer.then(
        () => end('answered'),
        (error: unknown) => end(outcomeOf(call.signal), error),
      );
    }
    return answer;
  }

  async *stream(method: MethodState, args: readonly unknown[], options: Call): AsyncGenerator<unknown, void> {
    if (method.signature.refused !== null) throw method.signature.refused;
    if (this.#remote === null) {
      yield* (await this.embedded()).stream(method, args, options);
      return;
    }
    const call = inContext(options, this.#settings.timeoutMs);
    const started = beginCall(method.published, 'process', call);
    const items = this.#remote.stream(method.name, args, withTrace(call, started));
    yield* endWith(endOf(started), call.signal, items);
  }

  /** Unloads the model of this process, if there is one, after the calls that wait for it. */
  async unload(): Promise<void> {
    const embedded = this.#embedded;
    this.#embedded = null;
    this.#loaded = null;
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
