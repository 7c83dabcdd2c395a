// Tags, as BentoML writes them: `name` or `name:version`.
import { EkibenError } from '@ekiben/spec';

/** A parsed tag; `version` may also be `latest`, an alias, or the unique beginning of a version. */
export interface Tag {
  readonly name: string;
  readonly version: string | undefined;
}

/** BentoML's own rule, for names and versions alike. */
const TAG_PART = /^[a-z0-9](?:[-._a-z0-9]*[a-z0-9])?$/;
const TAG_PART_MAX = 63;

/** Names that Windows gives to devices; a directory of that name cannot be made there. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

/** Means "the newest" wherever a version is expected, so nothing can be called so. */
export const LATEST = 'latest';

/**
 * Reads `name` or `name:version`. Capitals become lower case, as in BentoML.
 * @throws EKIBEN_TAG_INVALID
 */
export function parseTag(text: string): Tag {
  const colon = text.indexOf(':');
  if (colon === -1) return { name: tagPart(text, text), version: undefined };
  const version = text.slice(colon + 1);
  if (version === '') throw invalid(text, `it ends in ':'; did you mean '${text}${LATEST}'?`);
  return { name: tagPart(text.slice(0, colon), text), version: tagPart(version, text) };
}

export function formatTag(name: string, version: string): string {
  return `${name}:${version}`;
}

/** Whether BentoML would accept `part` as a name or a version, in lower case already. */
export function isTagPart(part: string): boolean {
  return part.length <= TAG_PART_MAX && TAG_PART.test(part);
}

/**
 * Checks what is about to be written into the store, where the rule is stricter than for reading.
 * @throws EKIBEN_TAG_INVALID
 */
export function requireNewTag(name: string, version: string): void {
  const text = formatTag(name, version);
  for (const part of [name, version]) {
    if (part !== part.toLowerCase()) throw invalid(text, 'capitals are not allowed');
    tagPart(part, text);
    if (WINDOWS_DEVICE.test(part)) throw invalid(text, `'${part}' is the name of a device on Windows`);
  }
  if (version === LATEST) throw invalid(text, `'${LATEST}' always means the newest version`);
}

function tagPart(part: string, whole: string): string {
  const lower = part.toLowerCase();
  if (lower.length > TAG_PART_MAX) {
    throw invalid(whole, `a name or version has at most ${TAG_PART_MAX} characters`);
  }
  if (!TAG_PART.test(lower)) {
    throw invalid(
      whole,
      "a name or version consists of letters, digits, '_', '-' and '.', and begins and ends with a letter or digit",
    );
  }
  return lower;
}

function invalid(text: string, why: string): EkibenError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new EkibenError('EKIBEN_TAG_INVALID', `${JSON.stringify(shown)} is not a valid tag: ${why}`, {
    details: { tag: shown },
  });
}
