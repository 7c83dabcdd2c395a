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
  if (existsSync(whole)) {
    return statSync(whole).isDirectory() ? fromFolder(whole) : { file: whole, exportName: undefined };
  }
  const colon = target.lastIndexOf(':');
  const file = path.resolve(workingDir, target.slice(0, colon));
  if (colon > 0 && existsSync(file) && statSync(file).isFile()) return { file, exportName: target.slice(colon + 1) };
  throw new EkibenError(
    'EKIBEN_SERVICE_NOT_FOUND',
    `There is no file or folder ${colon > 0 ? file : whole}; name a file and its export, such as src/service.ts:svc.`,
  );
}

function fromFolder(folder: string): { file: string; exportName: string | undefined } {
  const declared = declaredTarget(folder);
  if (declared !== undefined) return resolveTarget(declared, folder);
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
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { ekiben?: { service?: string } };
  return manifest.ekiben?.service;
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
