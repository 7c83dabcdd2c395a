// From what a user types (`src/service.ts:svc`, a folder) to the exported Service and the JavaScript module that holds it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { Service } from '@ekiben/service';
import { EkibenError } from '@ekiben/spec';

import { compile } from './compile.ts';

type AnyService = Service<Record<never, never>, unknown>;

export interface LoadedService {
  readonly service: AnyService;
  /** The JavaScript file that a child process imports to find the same service. */
  readonly module: string;
  readonly exportName: string;
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
 * Imports the service that `target` names, compiling TypeScript first.
 * @throws EKIBEN_SERVICE_NOT_FOUND when the file or the export is missing, EKIBEN_COMPILE_FAILED with file, line and column
 */
export async function loadService(target: string, workingDir = '.'): Promise<LoadedService> {
  const { file, exportName } = resolveTarget(target, workingDir);
  const module = /\.[cm]?tsx?$/.test(file) ? await compile(file) : file;
  const exports = (await import(pathToFileURL(module).href)) as Record<string, unknown>;
  const name = exportName ?? onlyService(exports, file);
  const service = exports[name];
  if (!isService(service)) {
    const found = Object.keys(exports).filter((key) => isService(exports[key]));
    throw new EkibenError(
      'EKIBEN_SERVICE_NOT_FOUND',
      `${file} exports no Service named "${name}"; ${found.length > 0 ? `it exports ${found.join(', ')}` : 'it exports no Service at all'}.`,
    );
  }
  return { service, module, exportName: name };
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
    `There is no file or folder ${file}; name a file and its export, such as src/service.ts:svc.`,
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

function onlyService(exports: Record<string, unknown>, file: string): string {
  const names = Object.keys(exports).filter((key) => isService(exports[key]));
  const [first, ...others] = names;
  if (first !== undefined && others.length === 0) return first;
  throw new EkibenError(
    'EKIBEN_SERVICE_NOT_FOUND',
    first === undefined
      ? `${file} exports no Service; add \`export const svc = new Service('name') …\`.`
      : `${file} exports several Services (${names.join(', ')}); name one, such as ${path.basename(file)}:${first}.`,
  );
}

// By shape, not by `instanceof`: the command and the project may have a copy of @ekiben/service each.
function isService(value: unknown): value is AnyService {
  if (value instanceof Service) return true;
  const service = value as Partial<AnyService> | null;
  return (
    typeof service === 'object' &&
    service !== null &&
    typeof service.api === 'function' &&
    typeof service.fetch === 'function'
  );
}
