// YAML of a file that anybody may have written, read as PyYAML's safe_load reads it, minus what can do harm.
import { EkibenError } from '@ekiben/spec';
import { MANIFEST_MAX_BYTES, MANIFEST_MAX_DEPTH, MANIFEST_MAX_VALUES } from './limits.ts';

/**
 * Loaded at the first manifest: a list that the index answers needs no YAML at all.
 *
 * YAML 1.1 as PyYAML writes it (the string `1e3` stays plain there, and would be a number in YAML 1.2), without timestamps,
 * which stay strings, and without binaries, sets, merges and objects, which are refused by their tags.
 */
async function loadYaml() {
  const yaml = await import('js-yaml');
  const { FAILSAFE_SCHEMA, nullYaml11Tag, boolYaml11Tag, intYaml11Tag, floatYaml11Tag } = yaml;
  const schema = FAILSAFE_SCHEMA.withTags(nullYaml11Tag, boolYaml11Tag, intYaml11Tag, floatYaml11Tag);
  return { ...yaml, schema };
}

const PROTOTYPE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads a mapping.
 * @param where - names the file in errors
 * @throws EKIBEN_MANIFEST_INVALID
 */
export async function readYamlMapping(text: string, where: string): Promise<Record<string, unknown>> {
  if (text.length > MANIFEST_MAX_BYTES) {
    throw invalidManifest(where, `it is larger than ${MANIFEST_MAX_BYTES} bytes`);
  }
  const { load, schema, YAMLException } = await loadYaml();
  let value: unknown;
  try {
    value = load(text, { schema, maxDepth: MANIFEST_MAX_DEPTH });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const mark = cause.mark === undefined ? '' : ` (line ${cause.mark.line + 1}, column ${cause.mark.column + 1})`;
    throw invalidManifest(where, `${cause.reason}${mark}`, cause);
  }
  checkTree(value, where);
  if (!isMapping(value)) {
    throw invalidManifest(where, `it holds ${Array.isArray(value) ? 'a list' : 'a single value'}, not a mapping`);
  }
  return value;
}

/** Writes what both YAML 1.1 (PyYAML) and 1.2 read back as the same strings. */
export async function writeYaml(value: Record<string, unknown>): Promise<string> {
  const { dump } = await import('js-yaml');
  return dump(value, { seqNoIndent: true, lineWidth: -1, noRefs: true });
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function invalidManifest(where: string, why: string, cause?: unknown): EkibenError {
  return new EkibenError('EKIBEN_MANIFEST_INVALID', `${where} is not valid: ${why}`, { cause });
}

/** Walks the tree with its aliases written out, so that it is safe to print and to compare. */
function checkTree(root: unknown, where: string): void {
  let budget = MANIFEST_MAX_VALUES;
  const visit = (value: unknown, depth: number): void => {
    if (--budget < 0) throw invalidManifest(where, `its aliases expand to more than ${MANIFEST_MAX_VALUES} values`);
    if (typeof value !== 'object' || value === null) return;
    if (depth > MANIFEST_MAX_DEPTH)
      throw invalidManifest(where, `it is nested deeper than ${MANIFEST_MAX_DEPTH} levels`);
    for (const [key, child] of Object.entries(value)) {
      if (PROTOTYPE_KEYS.has(key)) throw invalidManifest(where, `the key '${key}' is not allowed`);
      visit(child, depth + 1);
    }
  };
  visit(root, 0);
}
