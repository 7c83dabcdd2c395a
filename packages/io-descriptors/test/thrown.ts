import type { EkibenError } from '@ekiben/spec';

/** What `run` throws, or the promise it returns rejects with. */
export async function thrownBy(run: () => unknown): Promise<EkibenError> {
  try {
    await run();
  } catch (error) {
    return error as EkibenError;
  }
  throw new Error('nothing was thrown');
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);
