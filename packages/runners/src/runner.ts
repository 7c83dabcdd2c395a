/** `toRunner`, and the path of a call: an embedded method that answers at once is called, and nothing else happens. */
import { EkibenError } from '@ekiben/spec';
import type { Runnable } from '@ekiben/spec';
import type { Model } from '@ekiben/store';
import { NO_OPTIONS } from './call.ts';
import { RunnerCore, setCore } from './core.ts';
import type { MethodState, RunnerDefinition } from './core.ts';
import { checkNames } from './settings.ts';
import { classMethods, modelMethods } from './signatures.ts';
import { runnerInfo } from './types.ts';
import type { CallOptions, ClassOptions, RunnableClass, Runner, RunnerOptions } from './types.ts';

/** What a {@link RunnerMethod} is, whatever the method's types. */
class CallableMethod {
  readonly #core: RunnerCore;
  readonly #method: MethodState;

  constructor(core: RunnerCore, method: MethodState) {
    this.#core = core;
    this.#method = method;
  }

  run(...args: readonly unknown[]): Promise<unknown> {
    const { direct } = this.#method;
    if (direct === null) return this.#core.call(this.#method, args, NO_OPTIONS);
    try {
      return Promise.resolve(direct(...args));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  with(options: CallOptions): {
    run: (...args: unknown[]) => Promise<unknown>;
    stream: (...args: unknown[]) => AsyncIterable<unknown>;
  } {
    return {
      run: (...args) => this.#core.call(this.#method, args, options),
      stream: (...args) => this.#core.stream(this.#method, args, options),
    };
  }

  stream(...args: readonly unknown[]): AsyncIterable<unknown> {
    return this.#core.stream(this.#method, args, NO_OPTIONS);
  }
}

/** What a runner can be made of: a stored model, or a class of your own, which gets the models. */
type Source<M extends object> = Model<unknown, M> | RunnableClass<M>;

/** A class has no name that survives minification: it must be given one. */
type OptionsFor<S, M> =
  S extends RunnableClass<object> ? [options: ClassOptions<NoInfer<M>>] : [options?: RunnerOptions<NoInfer<M>>];

/**
 * A runner for a stored model, or for a class of your own. Nothing is loaded yet: the weights load in the process that computes, at
 * start or with the first call.
 *
 * @throws EKIBEN_RUNNER_NAME_INVALID, EKIBEN_RUNNER_OPTION_INVALID
 */
// One signature for both, since of several TypeScript explains the last, whatever the mistake.
export function toRunner<M extends object, S extends Source<M>>(
  source: S & Source<M>,
  ...options: OptionsFor<S, M>
): Runner<M> {
  const [given = {}] = options as [(Partial<ClassOptions<M>> | undefined)?];
  return makeRunner(typeof source === 'function' ? classDefinition(source, given) : modelDefinition(source, given));
}

function modelDefinition<M extends object>(model: Model<unknown, M>, options: RunnerOptions<M>): RunnerDefinition {
  const { framework, manifest, tag } = model;
  const name = checkedName(options.name ?? tag.slice(0, tag.indexOf(':')));
  checkNames(name, options, ['name', 'methods']);
  return {
    name,
    settings: options,
    models: [tag],
    methods: modelMethods(tag, framework.signatures, manifest, options.methods ?? {}),
    declaredPlacement: framework.placement,
    load: async () => framework.runnable(await model.load(), manifest),
  };
}

function classDefinition<M extends object>(
  runnable: RunnableClass<M>,
  options: Partial<ClassOptions<M>>,
): RunnerDefinition {
  const name = checkedName(options.name ?? '');
  checkNames(name, options, ['name', 'methods', 'models']);
  const models = options.models ?? [];
  const { signatures } = runnable as Partial<RunnableClass<M>>;
  if (signatures === undefined) {
    const message = `${runnable.name || 'The class'} has no static signatures; without one of them, write \`static signatures = {}\`.`;
    throw new EkibenError('EKIBEN_RUNNER_OPTION_INVALID', message);
  }
  return {
    name,
    settings: options,
    models: models.map(({ tag }) => tag),
    methods: classMethods(runnable.prototype as object, signatures, options.methods ?? {}),
    declaredPlacement: 'process',
    load: async (): Promise<Runnable<object>> => {
      const methods: Partial<AsyncDisposable> & { warmUp?: unknown } = new runnable(models);
      const { warmUp } = methods;
      return {
        methods,
        ...(isWarmUp(warmUp) && { warmUp: async () => void (await warmUp.call(methods)) }),
        close: async () => methods[Symbol.asyncDispose]?.(),
      };
    },
  };
}

/** One with parameters is a method that happens to be called so. */
const isWarmUp = (method: unknown): method is () => unknown => typeof method === 'function' && method.length === 0;

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/i;

function checkedName(name: string): string {
  if (NAME.test(name)) return name;
  throw new EkibenError(
    'EKIBEN_RUNNER_NAME_INVALID',
    `The runner name '${name.slice(0, 100)}' must be 1 to 63 letters, digits, '.', '_' and '-', with a letter or digit at both ends.`,
  );
}

function makeRunner<M>(definition: RunnerDefinition): Runner<M> {
  const core = new RunnerCore(definition);
  const runner = { [runnerInfo]: Object.freeze({ name: definition.name, models: definition.models }) };
  for (const [name, method] of core.methods) {
    Object.defineProperty(runner, name, { value: new CallableMethod(core, method), enumerable: true });
  }
  setCore(runner, core);
  return Object.freeze(runner) as Runner<M>;
}
