// Where an archive comes from or goes to, as a user writes it.
import { fileURLToPath } from 'node:url';
import { EkibenError } from '@ekiben/spec';

export type Location =
  | { readonly kind: 'file'; readonly path: string }
  /** `-` */
  | { readonly kind: 'standard' }
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string }
  | { readonly kind: 'https'; readonly url: URL };

/** A path, `-`, `s3://bucket/key`, `https://…` or `file://…`. @throws EKIBEN_LOCATION_INVALID */
export function parseLocation(text: string): Location {
  if (text === '-') return { kind: 'standard' };
  if (text === '' || text.includes('\0')) throw invalid(text, 'it is no path');
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return { kind: 'file', path: text };
    case 'file':
      return { kind: 'file', path: fileURLToPath(parseUrl(text)) };
    case 's3':
      return parseS3(text);
    case 'https':
      return { kind: 'https', url: parseUrl(text) };
    case 'http':
      throw invalid(text, 'http:// is not read, since anybody on the way could change a model; use https://');
    default:
      throw invalid(text, `${scheme}:// is not known; use a path, '-', s3://bucket/key or https://`);
  }
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw invalid(text, 'it is not a complete address');
  return new URL(text);
}

/** Keys are taken as they are written, unlike the paths of other URLs. */
function parseS3(text: string): Location {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)\/?(.*)$/is.exec(text) ?? [];
  if (bucket === '') throw invalid(text, 'the bucket is missing: s3://bucket/key');
  return { kind: 's3', bucket, key };
}

export function showLocation(location: Location): string {
  switch (location.kind) {
    case 'file':
      return location.path;
    case 'standard':
      return '-';
    case 's3':
      return `s3://${location.bucket}/${location.key}`;
    case 'https':
      return location.url.href;
  }
}

function invalid(text: string, why: string): EkibenError {
  return new EkibenError('EKIBEN_LOCATION_INVALID', `cannot use ${JSON.stringify(text)}: ${why}`);
}
