/** Finds the Service that a module exports. */
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Service } from '@ekiben/service';
import { EkibenError } from '@ekiben/spec';

type AnyService = Service<Record<never, never>, unknown>;

export interface ServiceModule {
  readonly service: AnyService;
  readonly exportName: string;
}

/**
 * @param module - path of a JavaScript file
 * @param exportName - @default the only Service that it exports
 * @param source - the file that the user knows it as, for errors
 * @throws EKIBEN_SERVICE_NOT_FOUND, and what the module throws
 */
export async function importService(module: string, exportName?: string, source = module): Promise<ServiceModule> {
  const exports = (await import(pathToFileURL(module).href)) as Readonly<Record<string, unknown>>;
  const names = Object.keys(exports).filter((key) => isService(exports[key]));
  const name = exportName ?? onlyOne(names, source);
  const service = exports[name];
  if (isService(service)) return { service, exportName: name };
  const found = names.length > 0 ? `it exports ${names.join(', ')}` : 'it exports no Service at all';
  throw notFound(`${source} exports no Service named "${name}"; ${found}.`);
}

function onlyOne([first, ...others]: readonly string[], source: string): string {
  if (first !== undefined && others.length === 0) return first;
  throw notFound(
    first === undefined
      ? `${source} exports no Service; add \`export const svc = new Service('name') …\`.`
      : `${source} exports several Services (${[first, ...others].join(', ')}); name one, such as ${basename(source)}:${first}.`,
  );
}

// By shape, not by `instanceof`: the server and the project may have a copy of @ekiben/service each.
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

const notFound = (message: string) => new EkibenError('EKIBEN_SERVICE_NOT_FOUND', message);
