// Fields of a manifest, read with errors that name them.
import { isTagPart, LATEST } from './tag.ts';
import { invalidManifest, isMapping } from './yaml.ts';

/** JavaScript takes much more for a date; Python, which reads the same store, fails at that, and then lists nothing at all. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** The three fields that every manifest must have, in `model.yaml` and `bento.yaml` alike. */
export function readIdentity(
  yaml: Record<string, unknown>,
  where: string,
): { name: string; version: string; creationTime: string } {
  const name = requiredString(yaml, 'name', where);
  const version = requiredString(yaml, 'version', where);
  for (const [field, value] of Object.entries({ name, version })) {
    if (!isTagPart(value)) throw invalidManifest(where, `${field} ${shown(value)} is not a valid part of a tag`);
  }
  if (version === LATEST) throw invalidManifest(where, `version '${LATEST}' is reserved: it means the newest`);
  const creationTime = requiredString(yaml, 'creation_time', where);
  if (!ISO_TIME.test(creationTime) || Number.isNaN(Date.parse(creationTime))) {
    throw invalidManifest(where, `creation_time ${shown(creationTime)} is not a date and time`);
  }
  return { name, version, creationTime };
}

function requiredString(yaml: Record<string, unknown>, key: string, where: string): string {
  const value = optionalString(yaml, key, where);
  if (value === undefined) throw invalidManifest(where, `${key} is missing`);
  return value;
}

export function optionalString(yaml: Record<string, unknown>, key: string, where: string): string | undefined {
  const value = yaml[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw invalidManifest(where, `${key} must be a string, not ${shown(value)}`);
  return value;
}

export function optionalMapping(yaml: Record<string, unknown>, key: string, where: string): Record<string, unknown> {
  const value = yaml[key] ?? {};
  if (!isMapping(value)) throw invalidManifest(where, `${key} must be a mapping, not ${shown(value)}`);
  return value;
}

/** Labels and versions: a number that someone wrote without quotes is read as its text. */
export function stringMapping(yaml: Record<string, unknown>, key: string, where: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(optionalMapping(yaml, key, where)).map(([name, value]) => {
      if (typeof value === 'object' && value !== null) throw invalidManifest(where, `${key}.${name} must be a string`);
      return [name, value === null ? '' : String(value)];
    }),
  );
}

/** A value in an error message, cut short. */
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}
