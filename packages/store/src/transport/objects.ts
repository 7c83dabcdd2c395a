// Loads S3 only when an address asks for it.
import { EkibenError } from '@ekiben/spec';
import { hasCode } from '../files.ts';
import type { ObjectTransport } from './transport.ts';

/** @throws EKIBEN_S3_UNAVAILABLE when the SDK is not installed */
export async function defaultObjectTransport(): Promise<ObjectTransport> {
  try {
    const { s3 } = await import('../s3.ts');
    return s3();
  } catch (cause) {
    if (!hasCode(cause, 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new EkibenError(
      'EKIBEN_S3_UNAVAILABLE',
      's3:// needs two packages that are not installed: npm i @aws-sdk/client-s3 @aws-sdk/lib-storage',
      { cause },
    );
  }
}
