// Manifests, indexes and configurations of images, as OCI has them (https://github.com/opencontainers/image-spec), and Docker's older
// spelling of the same. What comes from others is checked here, before anything believes it.
import { createHash } from 'node:crypto';
import { EkibenError } from '@ekiben/spec';
import { LAYERS_MAX } from './limits.ts';

export const MEDIA_TYPES = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
/** What we ask registries for. */
export const MANIFESTS_ACCEPTED = [MEDIA_TYPES.index, MEDIA_TYPES.manifest, DOCKER_INDEX, DOCKER_MANIFEST].join(', ');

/** Docker's layers are the same bytes; Docker's configuration is, but for keys that OCI does not know, the same, too. */
const LAYER_TYPES: ReadonlyMap<string, string> = new Map([
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', MEDIA_TYPES.layer],
  ['application/vnd.docker.image.rootfs.diff.tar', 'application/vnd.oci.image.layer.v1.tar'],
  [MEDIA_TYPES.layer, MEDIA_TYPES.layer],
  ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.v1.tar'],
  ['application/vnd.oci.image.layer.v1.tar+zstd', 'application/vnd.oci.image.layer.v1.tar+zstd'],
]);

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly platform?: DescriptorPlatform | undefined;
  readonly artifactType?: string | undefined;
}

export interface DescriptorPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

export interface ImageManifest {
  readonly kind: 'image';
  readonly config: Descriptor;
  /** With OCI's media types. */
  readonly layers: readonly Descriptor[];
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly manifests: readonly Descriptor[];
}

/** What an image says of itself; keys that we do not know are kept. */
export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  readonly history: readonly Readonly<Record<string, unknown>>[];
}

/** What addresses the bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}

/**
 * @param where - names it in errors
 * @throws EKIBEN_IMAGE_INVALID
 */
export function readManifest(bytes: Uint8Array, where: string): ImageManifest | ImageIndex {
  const document = readObject(bytes, where);
  const { mediaType } = document;
  if (document['schemaVersion'] !== 2) throw invalidImage(where, 'its manifest is not of schema version 2');
  if (mediaType === MEDIA_TYPES.index || mediaType === DOCKER_INDEX || Array.isArray(document['manifests'])) {
    return { kind: 'index', manifests: descriptors(document['manifests'], where) };
  }
  const layers = descriptors(document['layers'], where).map((layer) => {
    const type = LAYER_TYPES.get(layer.mediaType);
    if (type === undefined) throw invalidImage(where, `a layer is of the type ${JSON.stringify(layer.mediaType)}`);
    return { mediaType: type, digest: layer.digest, size: layer.size };
  });
  if (layers.length > LAYERS_MAX) throw invalidImage(where, `it has more than ${LAYERS_MAX} layers`);
  return { kind: 'image', config: descriptor(document['config'], where), layers };
}

function descriptors(value: unknown, where: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw invalidImage(where, 'its manifest lists nothing');
  return value.map((each) => descriptor(each, where));
}

function descriptor(value: unknown, where: string): Descriptor {
  const { mediaType, digest, size, annotations, platform } = isObject(value) ? value : {};
  if (typeof mediaType !== 'string' || !isDigest(digest) || !isSize(size)) {
    throw invalidImage(where, 'its manifest has a descriptor without type, SHA-256 digest or size');
  }
  return {
    mediaType,
    digest,
    size,
    ...(isObject(annotations) && { annotations: strings(annotations) }),
    ...(isObject(platform) && {
      platform: {
        os: String(platform['os']),
        architecture: String(platform['architecture']),
        ...(typeof platform['variant'] === 'string' && { variant: platform['variant'] }),
      },
    }),
  };
}

/** @throws EKIBEN_IMAGE_INVALID, also when it does not fit the number of layers */
export function readConfig(bytes: Uint8Array, layers: number, where: string): ImageConfig {
  const document = readObject(bytes, where);
  const { os, architecture, variant, config, rootfs, history } = document;
  const diffIds = isObject(rootfs) ? rootfs['diff_ids'] : undefined;
  if (typeof os !== 'string' || typeof architecture !== 'string') {
    throw invalidImage(where, 'its configuration does not say of which platform it is');
  }
  if (!Array.isArray(diffIds) || !diffIds.every(isDigest) || diffIds.length !== layers) {
    throw invalidImage(where, `its configuration does not list the digests of its ${layers} layers`);
  }
  return {
    os,
    architecture,
    ...(typeof variant === 'string' && { variant }),
    config: isObject(config) ? config : {},
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: Array.isArray(history) ? history.filter(isObject) : [],
  };
}

/** @throws EKIBEN_IMAGE_INVALID */
export function readObject(bytes: Uint8Array, where: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
    if (isObject(value)) return value;
  } catch {
    // Falls through to the one error.
  }
  throw invalidImage(where, 'it has something that should be a JSON object, and is none');
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function strings(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function wrongBytes(where: string, digest: string): EkibenError {
  return invalidImage(where, `${digest} does not have the bytes that its digest promises`);
}

export function invalidImage(where: string, why: string): EkibenError {
  return new EkibenError('EKIBEN_IMAGE_INVALID', `${where} is not an image as it should be: ${why}.`);
}
