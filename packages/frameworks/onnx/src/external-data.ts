// Weights that a model keeps in files beside it.
import { access, readFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { reasonOf } from './fault.ts';

/** @throws EKIBEN_ONNX_EXTERNAL_DATA for a location outside the model's folder */
export function externalPath(dir: string, location: string): string {
  const path = join(dir, location);
  const inside = relative(dir, path);
  if (!isAbsolute(location) && inside !== '' && !inside.startsWith('..') && !location.includes('\0')) return path;
  const fault = `the model keeps weights at ${JSON.stringify(location.slice(0, 100))}, which is outside its folder`;
  throw new EkibenError('EKIBEN_ONNX_EXTERNAL_DATA', fault);
}

/**
 * Every file is there, and inside the model's folder: not every version of ONNX Runtime looks.
 * @param dir - null for a model that was given as bytes
 * @throws EKIBEN_ONNX_EXTERNAL_DATA
 */
export async function checkExternalFiles(dir: string | null, locations: readonly string[]): Promise<void> {
  if (locations.length === 0) return;
  if (dir === null) {
    const fault = 'the model keeps weights in files beside it: give its path, not its bytes';
    throw new EkibenError('EKIBEN_ONNX_EXTERNAL_DATA', fault);
  }
  for (const location of locations) {
    await access(externalPath(dir, location)).catch((cause: unknown) => Promise.reject(missing(location, cause)));
  }
}

/** @throws EKIBEN_ONNX_EXTERNAL_DATA */
export async function readExternalFile(dir: string, location: string): Promise<Uint8Array> {
  const path = externalPath(dir, location);
  return readFile(path).catch((cause: unknown) => Promise.reject(missing(location, cause)));
}

export const missing = (location: string, cause: unknown): EkibenError =>
  new EkibenError(
    'EKIBEN_ONNX_EXTERNAL_DATA',
    `the model keeps weights in ${JSON.stringify(location.slice(0, 100))}, which must lie beside it: ${reasonOf(cause)}`,
    { cause },
  );
