// What every adapter must do, as data: a binding makes tests of it.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Dim, MethodInfo, Signature } from '@ekiben/spec';
import { isTensor } from '@ekiben/tensor';
import type { Adapter } from './adapter.ts';
import { Bench, callOf, codeOf, methodOf } from './bench.ts';
import type { AnyAdapter, Example } from './bench.ts';
import { cut, join as joinRows, rowsOf } from './rows.ts';
import { requireSame } from './same.ts';

export interface ConformanceCase {
  readonly name: CaseName;
  /** Why it does not hold for this adapter; null: it must. */
  readonly skipped: string | null;
  run(): Promise<void>;
}

type Body = (bench: Bench) => Promise<void>;

const CASES = {
  'follows version 1 of the contract': async ({ adapter: { framework } }) => {
    assert.equal(framework.specVersion, 1);
    assert.match(framework.module, /^\S+$/, 'module is the name by which model.yaml finds the framework');
    assert(framework.placement === 'embedded' || framework.placement === 'process');
  },

  'declares just the methods that it has': async (bench) => {
    const { methods } = await bench.open();
    const declared = Object.keys(bench.adapter.framework.signatures).sort();
    assert.deepEqual(Object.keys(methods).sort(), declared);
    assert.deepEqual(Object.keys(bench.adapter.calls).sort(), declared, '`calls` has an entry for each method');
    const named = Object.entries<Signature>(bench.adapter.framework.signatures).map(
      ([method, { wireName = method }]) => wireName,
    );
    const listed = Object.keys(bench.model.manifest.signatures);
    assert(listed.length > 0, 'model.yaml lists no method');
    for (const method of listed) assert(named.includes(method), `model.yaml lists ${method}, which is not declared`);
  },

  'a saved model answers as the original': async (bench) => {
    const runnable = await bench.open();
    for (const example of some(bench.examples)) await requireAnswer(bench, runnable, example);
  },

  'a loaded model can be saved again': async (bench) => {
    const { adapter, store } = bench;
    const native = await bench.model.load();
    // Closed in the end, as others.
    await bench.open({ ...bench.model, load: async () => native });
    const copy = await store.save('copy', native, adapter.framework, { options: adapter.options });
    assert.deepEqual(copy.manifest, bench.model.manifest);
    const runnable = await bench.open(copy);
    for (const example of bench.examples) await requireAnswer(bench, runnable, example);
  },

  'a batch is as its rows one by one': async (bench) => {
    const runnable = await bench.open();
    for (const { method, args, result } of bench.examples) {
      const signature = bench.signature(method);
      if (signature?.batchable !== true) continue;
      const [input, output] = signature.batchDim ?? [0, 0];
      const rows = Math.max(...args.map((arg) => rowsOf(arg, input)));
      assert(rows > 1, `${method} is batchable: give an example of several rows`);
      const calls = cut(Object.assign({}, args), rows, input).map((each) => Object.values(each as object) as unknown[]);
      const results: unknown[] = [];
      for (const call of calls) results.push(await callOf(runnable, { method, args: call }));
      requireSame(joinRows(results, output), result, bench.adapter.tolerance ?? 0, `the rows of ${method}`);
    }
  },

  'calls at once do not disturb each other': async (bench) => {
    const runnable = await bench.open();
    const examples = Array.from({ length: CALLS_AT_ONCE }, () => bench.examples).flat();
    await Promise.all(examples.map((example) => requireAnswer(bench, runnable, example)));
  },

  'models do not disturb each other': async (bench) => {
    const [first, second] = [await bench.open(), await bench.open()];
    for (const example of bench.examples) await requireAnswer(bench, first, example);
    await first.close?.();
    for (const example of bench.examples) await requireAnswer(bench, second, example);
  },

  'a call leaves its arguments as they are': async (bench) => {
    const runnable = await bench.open();
    for (const { method, args } of bench.examples) {
      const before = inspect(args, COMPLETELY);
      await callOf(runnable, { method, args });
      assert.equal(inspect(args, COMPLETELY), before, `${method} changed its arguments`);
    }
  },

  'a call leaves the results of others as they are': async (bench) => {
    const runnable = await bench.open();
    for (const { method, args, result } of bench.examples) {
      const answer = await callOf(runnable, { method, args });
      for (const example of bench.examples) await callOf(runnable, example);
      requireSame(answer, result, bench.adapter.tolerance ?? 0, `${method}, after other calls,`);
    }
  },

  'warming up changes nothing': async (bench) => {
    const runnable = await bench.open();
    for (let time = 0; time < 2; time++) await runnable.warmUp?.();
    for (const example of bench.examples) await requireAnswer(bench, runnable, example);
  },

  'what it describes holds for its calls': async ({ model, examples }) => {
    const described: Readonly<Record<string, MethodInfo | undefined>> | null = await model.describe();
    if (described === null) return; // it need not
    for (const example of some(examples)) {
      const info: MethodInfo | undefined = described[example.method];
      if (info === undefined) assert.fail(`${example.method} can be called, but is not described`);
      requireDescribed(example, info);
    }
  },

  'wrong arguments are refused with a code': async (bench) => {
    const runnable = await bench.open();
    for (const [method, refused] of some(Object.entries(bench.adapter.refused))) {
      for (const { args, code } of refused) {
        const found = await codeOf(() => methodOf(runnable, method)(...args), `${method} with wrong arguments`);
        assert.equal(found, code, `${method} with wrong arguments`);
      }
    }
    for (const example of bench.examples) await requireAnswer(bench, runnable, example);
  },

  'a damaged file is refused with a code': async (bench) => {
    const { path } = bench.model.info;
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name !== 'model.yaml');
    for (const file of some(files)) {
      const name = join(file.parentPath, file.name);
      const whole = await readFile(name);
      await writeFile(name, whole.subarray(0, whole.length / 2));
      await codeOf(async () => {
        const runnable = await bench.open();
        for (const example of bench.examples) await requireAnswer(bench, runnable, example);
      }, `a model with half of ${file.name}`);
      await writeFile(name, whole);
    }
  },

  'close frees the model, and may be called twice': async (bench) => {
    const { held = () => 0 } = bench.adapter;
    const before = held();
    const runnable = await bench.open();
    for (const example of bench.examples) await callOf(runnable, example);
    const used = held();
    for (let time = 0; time < CALLS_AT_ONCE; time++) {
      for (const example of bench.examples) await callOf(runnable, example);
    }
    assert.equal(held(), used, 'calls leave something behind');
    await runnable.close?.();
    await runnable.close?.();
    assert.equal(held(), before, 'close leaves something behind');
    if (runnable.close === undefined) return;
    for (const example of bench.examples) await codeOf(() => callOf(runnable, example), 'a call after close');
  },
} satisfies Readonly<Record<string, Body>>;

export type CaseName = keyof typeof CASES;

const CALLS_AT_ONCE = 8;
const COMPLETELY = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity };

/** The cases for one model of an adapter. @throws when a case is to be skipped without a reason */
export function conformanceCases<Native extends Source, Methods extends object, Options extends object, Source>(
  adapter: Adapter<Native, Methods, Options, Source>,
): readonly ConformanceCase[] {
  return Object.entries<Body>(CASES).map(([name, body]) => {
    const skipped = adapter.skip?.[name as CaseName] ?? null;
    assert(skipped === null || skipped.trim() !== '', `the case '${name}' is skipped without a reason`);
    return { name: name as CaseName, skipped, run: () => Bench.use(adapter as unknown as AnyAdapter, body) };
  });
}

/** What tests of an adapter are called. */
export const titleOf = (adapter: {
  readonly title?: string | undefined;
  readonly framework: { readonly module: string };
}) => adapter.title ?? adapter.framework.module;

function requireDescribed({ method, args, result }: Example, { inputs, output }: MethodInfo): void {
  const [first] = args;
  const named = args.length === 1 && !isTensor(first) ? (first as Readonly<Record<string, unknown>>) : null;
  for (const [i, { name, shape }] of inputs.entries()) {
    const value = named === null ? args[i] : named[name];
    assert(isTensor(value), `${method} is called without its input ${name}`);
    const given = `${name} is described as [${shape?.join(', ')}], and called with [${value.shape.join(', ')}]`;
    assert(fits(value.shape, shape), given);
  }
  if ('name' in output) assert(isTensor(result), `${method} is described to give one tensor`);
  else assert.deepEqual(Object.keys(result as object).sort(), output.map(({ name }) => name).sort());
}

function fits(given: readonly number[], shape: readonly Dim[] | null): boolean {
  const isLength = (length: number, axis: number) => typeof shape?.[axis] !== 'number' || shape[axis] === length;
  return shape === null || (given.length === shape.length && given.every(isLength));
}

async function requireAnswer(bench: Bench, runnable: Parameters<typeof callOf>[0], example: Example): Promise<void> {
  requireSame(
    await callOf(runnable, example),
    example.result,
    bench.adapter.tolerance ?? 0,
    `the result of ${example.method}`,
  );
}

/** A case that looks at nothing shows nothing. */
function some<T>(list: readonly T[]): readonly T[] {
  assert(list.length > 0, 'there is nothing to try: give examples');
  return list;
}
