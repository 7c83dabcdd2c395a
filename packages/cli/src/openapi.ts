// `ekiben openapi`: the service's OpenAPI document, with no server and no model loaded.
import { openApi } from '@ekiben/service';

import { loadService } from './load-service.ts';

export interface OpenApiOptions {
  readonly workingDir: string;
  readonly version: string;
}

/** @throws as `loadService` does */
export async function openApiCommand(target: string, { workingDir, version }: OpenApiOptions): Promise<void> {
  const { service } = await loadService(target, workingDir);
  console.log(JSON.stringify(openApi(service, version), null, 2));
}
