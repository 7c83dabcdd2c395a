// The service that a user names, in this process.
import { importService } from '@ekiben/server';
import type { ServiceModule } from '@ekiben/server';

import { findService } from './find-service.ts';

export interface LoadedService extends ServiceModule {
  /** The JavaScript file that every process imports. */
  readonly module: string;
  /** What the user knows `module` as. */
  readonly source: string;
}

/**
 * Imports the service that `target` names.
 * @throws as `findService`; EKIBEN_COMPILE_FAILED; EKIBEN_SERVICE_NOT_FOUND when the export is missing, too
 */
export async function loadService(target: string, workingDir = '.'): Promise<LoadedService> {
  const { source, locate } = await findService(target, workingDir);
  const { module, exportName } = await locate();
  return { ...(await importService(module, exportName, source)), module, source };
}
