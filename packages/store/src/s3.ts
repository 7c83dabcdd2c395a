// S3 and what speaks like it. A subpath of its own, since the SDK is large: who does not use S3 does not load it.
import { crc32 } from 'node:zlib';
import { Readable } from 'node:stream';
import { GetObjectCommand, S3Client, type GetObjectCommandOutput, type S3ClientConfig } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { EkibenError } from '@ekiben/spec';
import type { ObjectTransport } from './transport/transport.ts';

export type { S3ClientConfig } from '@aws-sdk/client-s3';
export type { ByteSource, ObjectTransport } from './transport/transport.ts';

const MIB = 1024 ** 2;
/** Four parts are in memory at once. */
const PART_BYTES = 16 * MIB;
const PARTS_AT_ONCE = 4;
/** S3 takes 10,000 parts. */
const PARTS_MAX = 9_000;
/** A read that breaks goes on where it broke, unless that brings nothing so often. */
const VAIN_READS = 4;

/**
 * A transport for `s3://bucket/key`.
 *
 * Region, credentials, profile and endpoint come by the SDK's own chain unless they are given. A custom endpoint is addressed by
 * path (`host/bucket/key`), as self-hosted servers expect.
 * @example
 * await models.export('credit_risk_model', 's3://models/credit.bentomodel', { s3: s3({ endpoint: 'https://minio.internal:9000' }) });
 */
export function s3(config: S3ClientConfig = {}): ObjectTransport {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  const custom = config.endpoint ?? AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  const client = new S3Client({ forcePathStyle: custom !== undefined, ...config });
  return {
    async read(bucket, key, signal) {
      const where = `s3://${bucket}/${key}`;
      const first = await explaining(where, () => open(client, bucket, key, 0, undefined, signal));
      return { body: readWhole(client, bucket, key, first, signal), size: first.ContentLength };
    },
    async write(bucket, key, body, sizeHint, signal) {
      const upload = new Upload({
        client,
        // One checksum over the whole object, so that whoever reads it can check it, however many parts it came in.
        params: {
          Bucket: bucket,
          Key: key,
          Body: Readable.from(body),
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
        },
        partSize: Math.max(PART_BYTES, Math.ceil(sizeHint / PARTS_MAX / MIB) * MIB),
        queueSize: PARTS_AT_ONCE,
      });
      const abort = (): void => void upload.abort();
      signal?.addEventListener('abort', abort);
      try {
        signal?.throwIfAborted();
        await explaining(`s3://${bucket}/${key}`, () => upload.done());
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
  };
}

function open(
  client: S3Client,
  bucket: string,
  key: string,
  from: number,
  etag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<GetObjectCommandOutput> {
  // The checksum is of the whole: with a range, the SDK would compare it with a part.
  const part = from === 0 ? { ChecksumMode: 'ENABLED' as const } : { Range: `bytes=${from}-`, IfMatch: etag };
  return client.send(
    new GetObjectCommand({ Bucket: bucket, Key: key, ...part }),
    signal === undefined ? {} : { abortSignal: signal },
  );
}

/** Goes on with the rest when the connection breaks, and checks length and checksum of the whole. */
async function* readWhole(
  client: S3Client,
  bucket: string,
  key: string,
  first: GetObjectCommandOutput,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const where = `s3://${bucket}/${key}`;
  let response = first;
  let bytes = 0;
  let sum = 0;
  let vain = 0;
  for (;;) {
    try {
      for await (const chunk of response.Body as Readable as AsyncIterable<Uint8Array>) {
        sum = crc32(chunk, sum);
        bytes += chunk.length;
        vain = 0;
        yield chunk;
      }
      break;
    } catch (error) {
      if (++vain === VAIN_READS || signal?.aborted === true) throw explain(where, error);
      response = await explaining(where, () => open(client, bucket, key, bytes, first.ETag, signal));
    }
  }
  if (first.ContentLength !== undefined && bytes !== first.ContentLength) throw explain(where, 'it ended early');
  if (first.ChecksumType === 'FULL_OBJECT' && first.ChecksumCRC32 !== undefined) {
    const stated = Buffer.from(first.ChecksumCRC32, 'base64').readUInt32BE();
    if (sum !== stated) throw explain(where, 'its checksum differs: what arrived is not what was stored');
  }
}

async function explaining<T>(where: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw explain(where, error);
  }
}

function explain(where: string, cause: unknown): unknown {
  if (EkibenError.is(cause)) return cause;
  const { name = '', message = String(cause) } = cause as { name?: string; message?: string };
  if (name === 'AbortError') return cause;
  if (['NoSuchKey', 'NoSuchBucket', 'NotFound'].includes(name)) {
    return new EkibenError('EKIBEN_S3_NOT_FOUND', `there is nothing at ${where} (${name})`, { cause });
  }
  return new EkibenError('EKIBEN_S3_FAILED', `${where} failed: ${name}: ${message}`, { cause });
}
