import { readFileSync, readdirSync } from 'node:fs';
import { EkibenError } from '@ekiben/spec';

const folder = new URL('fixtures/', import.meta.url);

export function fixture(name: string): Buffer {
  return readFileSync(new URL(name, folder));
}

/** Every pickle there is, by its path in the fixtures. */
export const pickles: readonly string[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pkl'))
  .map((name) => name.replaceAll('\\', '/'))
  .sort();

export type Part = string | number | Uint8Array;

/** A pickle written by hand: text as Latin-1, numbers as bytes. */
export function assemble(...parts: Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'number' ? Buffer.of(part) : typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
    ),
  );
}

/** The EkibenError that `run` throws. */
export function refusal(run: () => unknown): EkibenError {
  try {
    run();
  } catch (error) {
    if (EkibenError.is(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
