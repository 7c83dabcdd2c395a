// The framework that runs a stored model, by the name in its model.yaml.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { EkibenError } from '@ekiben/spec';
import type { AnyFramework } from '@ekiben/spec';
import { servingAdvice } from '@ekiben/store';

import { writeModule } from './compile.ts';

/** Those that come with the command. */
const BUNDLED: Readonly<Record<string, () => Promise<object>>> = {
  'bentoml.xgboost': () => import('@ekiben/xgboost'),
};

/** Whose npm name is not that in model.yaml. */
const ADAPTERS: Readonly<Record<string, string>> = { 'bentoml.onnx': '@ekiben/onnx' };

/**
 * A name in a file never decides by itself what is imported: what does not come with the command must be a dependency of the
 * project in `folder`.
 *
 * @param tag - of the model, for errors
 * @throws EKIBEN_FRAMEWORK_NOT_FOUND, with what to install or to do
 */
export async function findFramework(module: string, tag: string, folder: string): Promise<AnyFramework> {
  const exports = await (BUNDLED[module]?.() ?? importAdapter(module, tag, folder));
  const framework = Object.values(exports).find((value) => isFramework(value, module));
  if (framework !== undefined) return framework;
  throw notFound(`${ADAPTERS[module] ?? module} exports no framework for models of '${module}'`);
}

async function importAdapter(module: string, tag: string, folder: string): Promise<object> {
  const name = ADAPTERS[module] ?? (isPackageName(module) && !module.startsWith('bentoml.') ? module : undefined);
  if (name === undefined) {
    const advice = servingAdvice(module, tag) ?? 'save it with a framework that has an adapter, such as ONNX';
    throw notFound(`model '${tag}' was saved by '${module}', which does not run in Node; ${advice}`);
  }
  const manifest = path.join(folder, 'package.json');
  if (!dependenciesOf(manifest).includes(name)) {
    throw notFound(`model '${tag}' needs ${name}, which is no dependency of ${manifest}: npm i ${name}`);
  }
  try {
    const module = await writeModule(folder, 'framework', `export * from ${JSON.stringify(name)};\n`);
    return (await import(pathToFileURL(module).href)) as object;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw notFound(`model '${tag}' needs ${name}, which ${manifest} names but which is not installed: npm i`, cause);
  }
}

const isPackageName = (name: string) => /^(@[a-z0-9-][\w.-]*\/)?[a-z0-9-][\w.-]*$/.test(name);

function dependenciesOf(manifest: string): readonly string[] {
  if (!existsSync(manifest)) return [];
  const { dependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as Readonly<
    Record<string, object | undefined>
  >;
  return Object.keys({ ...dependencies, ...devDependencies });
}

function isFramework(value: unknown, module: string): value is AnyFramework {
  const framework = value as Partial<AnyFramework> | null;
  return typeof framework === 'object' && framework?.specVersion === 1 && framework.module === module;
}

const notFound = (message: string, cause?: unknown) =>
  new EkibenError('EKIBEN_FRAMEWORK_NOT_FOUND', `${message}.`, { cause });
