// A service of a stored model, with no code: an API for each method that the model was saved with.
import type { Descriptor } from '@ekiben/io-descriptors';
import { toRunner } from '@ekiben/runners';
import { Service } from '@ekiben/service';
import { EkibenError } from '@ekiben/spec';
import type { MethodInfo, Signature } from '@ekiben/spec';
import { models } from '@ekiben/store';
import type { Model } from '@ekiben/store';

import { findFramework } from './frameworks.ts';
import { anyTensor, methodResult, namedTensors, tensorInput } from './model-values.ts';

type AnyService = Service<Record<string, never>>;

/**
 * @param folder - of the project whose dependencies may bring a framework
 * @throws EKIBEN_MODEL_NOT_FOUND and what else `models.get` throws, EKIBEN_FRAMEWORK_NOT_FOUND, EKIBEN_MODEL_NOT_CALLABLE
 */
export async function modelService(tag: string, folder: string): Promise<AnyService> {
  const { tag: resolved, module } = await models.get(tag);
  const model = await models.get(resolved, await findFramework(module, resolved, folder));
  const methods = await callable(model);
  const runner = toRunner(model);
  const name = resolved.slice(0, resolved.indexOf(':'));
  let service = new Service(name, { runners: [runner] });
  for (const { method, wireName, info } of methods) {
    const { input, args } = inputOf(info);
    const called = (runner as unknown as Readonly<Record<string, unknown>>)[method] as {
      run(...values: readonly unknown[]): Promise<unknown>;
    };
    const output = methodResult(info?.output);
    service = service.api(wireName, { input, output }, (value) => called.run(...args(value)));
  }
  return service;
}

interface CallableMethod {
  readonly method: string;
  readonly wireName: string;
  /** null: nothing is known of it. */
  readonly info: MethodInfo | null;
}

/** What both the framework and model.yaml have, and this very model. */
async function callable(model: Model<unknown, object>): Promise<readonly CallableMethod[]> {
  const described: Readonly<Record<string, MethodInfo | undefined>> | null = await model.describe();
  const declared = Object.entries<Signature>(model.framework.signatures);
  const methods = declared
    .map(([method, { wireName = method }]) => ({ method, wireName, info: described?.[method] ?? null }))
    .filter(({ wireName, info }) => wireName in model.manifest.signatures && (described === null || info !== null));
  if (methods.length > 0) return methods;
  const saved = Object.keys(model.manifest.signatures).join(', ') || 'none';
  throw new EkibenError(
    'EKIBEN_MODEL_NOT_CALLABLE',
    `model '${model.tag}' has no method that can be served: it was saved with the signatures ${saved}, and ${model.framework.module} ` +
      `has ${declared.map(([method, { wireName = method }]) => wireName).join(', ')}.`,
  );
}

/** One tensor is the body itself; several are an object by name. */
function inputOf(info: MethodInfo | null): {
  readonly input: Descriptor<unknown, unknown>;
  readonly args: (value: unknown) => readonly unknown[];
} {
  if (info === null) return { input: anyTensor(), args: (value) => [value] };
  const [first, ...others] = info.inputs;
  if (first !== undefined && others.length === 0) return { input: tensorInput(first), args: (value) => [value] };
  const names = info.inputs.map(({ name }) => name);
  const args = (value: unknown) => names.map((name) => (value as Readonly<Record<string, unknown>>)[name]);
  return { input: namedTensors(info.inputs), args };
}
