/** A value by itself, as in a variable of the environment. */
import { load } from 'js-yaml';
import { MAX_DEPTH } from './limits.ts';
import { schema } from './yaml-schema.ts';

/** The text where it is no YAML, and null where there is none. */
export function readScalar(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return load(text, { schema, maxDepth: MAX_DEPTH, maxAliases: 0 });
  } catch {
    return text;
  }
}
