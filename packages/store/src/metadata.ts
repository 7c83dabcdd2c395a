// Metadata of a model: one entry that BentoML refuses would keep Python from listing the whole store, so it is refused at saving.
import { EkibenError } from '@ekiben/spec';

/** @throws EKIBEN_METADATA_INVALID unless all is strings, numbers, booleans, lists and mappings */
export function requireMetadata(metadata: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(metadata)) requireEntry(value, `metadata.${key}`);
}

function requireEntry(value: unknown, where: string): void {
  if (['string', 'number', 'boolean'].includes(typeof value)) return;
  if (Array.isArray(value)) return value.forEach((entry, index) => requireEntry(entry, `${where}[${index}]`));
  if (typeof value === 'object' && value !== null && isPlain(value)) {
    for (const [key, entry] of Object.entries(value)) requireEntry(entry, `${where}.${key}`);
    return;
  }
  const found = value === null ? 'null' : typeof value === 'object' ? `a ${value.constructor.name}` : typeof value;
  throw new EkibenError(
    'EKIBEN_METADATA_INVALID',
    `${where} is ${found}; metadata holds strings, numbers, booleans, lists and mappings, since BentoML reads no more`,
  );
}

/** Of any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
