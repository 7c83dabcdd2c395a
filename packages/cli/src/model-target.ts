// The tag of a model as what `serve` serves.
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import { EkibenError } from '@ekiben/spec';

/** Where every process finds the tag, and the folder whose dependencies may bring a framework. */
const SERVED_MODEL = 'EKIBEN_SERVED_MODEL';

interface ServedModel {
  readonly tag: string;
  readonly folder: string;
}

/** Whether the store has a model by that tag. @throws what is wrong with a tag that names one, such as a dangling alias */
export async function isModel(tag: string): Promise<boolean> {
  const { models } = await import('@ekiben/store');
  try {
    await models.resolve(tag);
    return true;
  } catch (error) {
    if (EkibenError.is(error) && (error.code === 'EKIBEN_MODEL_NOT_FOUND' || error.code === 'EKIBEN_TAG_INVALID'))
      return false;
    throw error;
  }
}

/** The module that exports a service of it; this process and its children find the tag in their environment. */
export function useModel(tag: string, folder: string): string {
  process.env[SERVED_MODEL] = JSON.stringify({ tag, folder: path.resolve(folder) } satisfies ServedModel);
  return fileURLToPath(new URL('./served-model.js', import.meta.url));
}

export function servedModel(): ServedModel {
  return JSON.parse(process.env[SERVED_MODEL] ?? '') as ServedModel;
}
