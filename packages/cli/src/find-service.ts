// From what a user types (`src/service.ts:svc`, a folder, a model's tag) to the JavaScript module that holds the service.
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import type { ServiceLocation } from '@ekiben/server';
import { EkibenError } from '@ekiben/spec';

import { isTag, isThere } from './bento.ts';
import { compile } from './compile.ts';
import { isModel, useModel } from './model-target.ts';

/** A service that is there. */
export interface FoundService {
  /** What the user knows its module as: the path of a file, or a tag. */
  readonly source: string;
  /** Compiles it, if it is TypeScript, and loads nothing. @throws EKIBEN_COMPILE_FAILED with file, line and column */
  locate(): Promise<ServiceLocation>;
}

interface Target {
  readonly file: string;
  readonly exportName: string | undefined;
}

const CONVENTIONAL_FILES = [
  'service.ts',
  'src/service.ts',
  'service.js',
  'src/service.js',
  'service.mjs',
  'dist/service.js',
];

/**
 * Finds the service that `target` names. This process and those that it starts later know the model by their environment, if it is one.
 * @throws EKIBEN_SERVICE_NOT_FOUND when there is neither such a file nor such a model
 */
export async function findService(target: string, workingDir = '.'): Promise<FoundService> {
  if (isTag(target) && !isThere(target, workingDir) && (await isModel(target))) {
    const location = { module: useModel(target, workingDir), exportName: 'svc' };
    return { source: target, locate: async () => location };
  }
  const { file, exportName } = resolveTarget(target, workingDir);
  const isTypeScript = /\.[cm]?tsx?$/.test(file);
  const locate = async () => ({ ...(isTypeScript ? await compile(file) : { module: file }), exportName });
  return { source: file, locate };
}

function resolveTarget(target: string, workingDir: string): { file: string; exportName: string | undefined } {
  const whole = path.resolve(workingDir, target);
  if (statSync(whole, { throwIfNoEntry: false })?.isDirectory()) return fromFolder(whole);
  const found = resolveFile(target, workingDir);
  if (found !== undefined) return found;
  const colon = target.lastIndexOf(':');
  const file = colon > 0 ? path.resolve(workingDir, target.slice(0, colon)) : whole;
  throw new EkibenError(
    'EKIBEN_SERVICE_NOT_FOUND',
    `There is no file or folder ${file}; name a file and its export, such as src/service.ts:svc, or the tag of a bento or a model.`,
  );
}

/** `file` or `file:export`. */
function resolveFile(target: string, folder: string): Target | undefined {
  const whole = path.resolve(folder, target);
  if (isFile(whole)) return { file: whole, exportName: undefined };
  const colon = target.lastIndexOf(':');
  const file = path.resolve(folder, target.slice(0, Math.max(colon, 0)));
  return colon > 0 && isFile(file) ? { file, exportName: target.slice(colon + 1) } : undefined;
}

const isFile = (file: string) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

function fromFolder(folder: string): Target {
  const declared = declaredTarget(folder);
  if (declared !== undefined) {
    const target = resolveFile(declared, folder);
    if (target !== undefined) return target;
    throw new EkibenError(
      'EKIBEN_SERVICE_NOT_FOUND',
      `${path.join(folder, 'package.json')} names the service "${declared}", but there is no such file; name one as "src/service.ts:svc".`,
    );
  }
  for (const name of CONVENTIONAL_FILES) {
    const file = path.join(folder, name);
    if (existsSync(file)) return { file, exportName: undefined };
  }
  throw new EkibenError(
    'EKIBEN_SERVICE_NOT_FOUND',
    `${folder} has no service: add src/service.ts, or name it in package.json as "ekiben": { "service": "path/to/service.ts:svc" }.`,
  );
}

function declaredTarget(folder: string): string | undefined {
  const file = path.join(folder, 'package.json');
  if (!existsSync(file)) return undefined;
  try {
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as { readonly ekiben?: { readonly service?: string } };
    return manifest.ekiben?.service;
  } catch (cause) {
    throw new EkibenError('EKIBEN_SERVICE_NOT_FOUND', `${file} is no JSON: ${(cause as Error).message}`, { cause });
  }
}
