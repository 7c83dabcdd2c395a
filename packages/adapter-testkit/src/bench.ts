// One adapter's model in a store of its own, and calls of it.
import { EkibenError } from '@ekiben/spec';
import type { Runnable, Signature } from '@ekiben/spec';
import { ModelStore } from '@ekiben/store';
import type { Model } from '@ekiben/store';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Adapter, Refusal } from './adapter.ts';

type Method = (...args: readonly unknown[]) => unknown;

export interface Example {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly result: unknown;
}

/** An adapter without its types: the cases treat all alike. */
export interface AnyAdapter extends Omit<Adapter<unknown, object, object, unknown>, 'calls' | 'refused'> {
  readonly calls: Readonly<Record<string, readonly Omit<Example, 'method'>[]>>;
  readonly refused: Readonly<Record<string, readonly Refusal[]>>;
}

export class Bench {
  readonly adapter: AnyAdapter;
  readonly store: ModelStore;
  readonly model: Model<unknown, object>;
  readonly #opened: Runnable<object>[] = [];

  /** Saves the adapter's model, lets `use` work with it, and closes all that it opened. */
  static async use(adapter: AnyAdapter, use: (bench: Bench) => Promise<void>): Promise<void> {
    const home = await mkdtemp(join(tmpdir(), 'ekiben-adapter-'));
    try {
      const store = new ModelStore(home);
      const { tag } = await store.save('model', await adapter.model(), adapter.framework, { options: adapter.options });
      const bench = new Bench(adapter, store, await store.get(tag, adapter.framework));
      try {
        await use(bench);
      } finally {
        await bench.#close();
      }
    } finally {
      await rm(home, { recursive: true });
    }
  }

  private constructor(adapter: AnyAdapter, store: ModelStore, model: Model<unknown, object>) {
    this.adapter = adapter;
    this.store = store;
    this.model = model;
  }

  /** The model, ready to compute; closed in the end. */
  async open(model: Model<unknown, object> = this.model): Promise<Runnable<object>> {
    const runnable = model.framework.runnable(await model.load(), model.manifest);
    this.#opened.push(runnable);
    return runnable;
  }

  async #close(): Promise<void> {
    for (const runnable of this.#opened) await runnable.close?.();
  }

  get examples(): readonly Example[] {
    const calls = Object.entries(this.adapter.calls);
    return calls.flatMap(([method, examples]) => examples.map((example) => ({ method, ...example })));
  }

  /** What model.yaml says of a method, or the framework where that is silent. */
  signature(method: string): Signature | undefined {
    const declared = (this.adapter.framework.signatures as Readonly<Record<string, Signature>>)[method];
    return this.model.manifest.signatures[declared?.wireName ?? method] ?? declared;
  }
}

export function methodOf({ methods }: Runnable<object>, name: string): Method {
  const method = (methods as Readonly<Record<string, Method | undefined>>)[name];
  assert(typeof method === 'function', `the runnable has no method ${name}, which the framework declares`);
  return method.bind(methods);
}

export async function callOf(runnable: Runnable<object>, { method, args }: Omit<Example, 'result'>): Promise<unknown> {
  return methodOf(runnable, method)(...args);
}

/** The code with which `step` fails; fails itself for any other error, and for none. */
export async function codeOf(step: () => unknown, what: string): Promise<string> {
  try {
    await step();
  } catch (error) {
    assert(EkibenError.is(error), `${what} fails with ${String(error)}, which is no EkibenError`);
    return error.code;
  }
  return assert.fail(`${what} does not fail`);
}
