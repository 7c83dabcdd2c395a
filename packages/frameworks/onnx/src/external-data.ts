// Weights that a model keeps in files beside it.
import { readFile } from 'node:fs/promises';
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
