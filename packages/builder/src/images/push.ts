// An image into its registries: what is missing there first, the name last, so that no name ever means half an image.
import { EkibenError } from '@ekiben/spec';
import { mapAtOnce } from '../at-once.ts';
import { bytesBlob, jsonBlob, type Blob, type JsonBlob } from './layout.ts';
import { MEDIA_TYPES, readManifest, type Descriptor } from './manifest.ts';
import { parseReference, type ImageReference } from './reference.ts';
import { Registry, type RegistryOptions } from './registry.ts';
import { uploadBlob } from './upload.ts';
import type { ImageProgress } from './oci.ts';

export interface PushedImage {
  readonly images: readonly string[];
  /** The manifest or the index. */
  readonly top: JsonBlob;
  /** What an index lists. */
  readonly manifests: readonly JsonBlob[];
  /** Layers and configurations. */
  readonly blobs: readonly Blob[];
  /** The bill of materials, in CycloneDX. */
  readonly sbom: Uint8Array | undefined;
}

export interface PushOptions extends Pick<RegistryOptions, 'credentials' | 'signal' | 'pauseMs'> {
  /** Where unfinished uploads are remembered. */
  readonly sessions: string;
  /** Where the base came from. */
  readonly base?: Pick<ImageReference, 'registry' | 'repository'> | undefined;
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined;
  readonly partBytes?: number | undefined;
}

/** Enough to fill the line, and what registries allow. */
const UPLOADS_AT_ONCE = 4;

/** @throws EKIBEN_REGISTRY_DENIED, EKIBEN_REGISTRY_FAILED, EKIBEN_CREDENTIALS_FAILED; the name means what it meant before then */
export async function pushImage(image: PushedImage, options: PushOptions): Promise<void> {
  for (const references of byRepository(image.images.map(parseReference))) await pushTo(references, image, options);
}

function byRepository(references: readonly ImageReference[]): readonly (readonly ImageReference[])[] {
  const groups = new Map<string, ImageReference[]>();
  for (const reference of references) {
    const key = `${reference.registry}/${reference.repository}`;
    groups.set(key, [...(groups.get(key) ?? []), reference]);
  }
  return [...groups.values()];
}

async function pushTo(references: readonly ImageReference[], image: PushedImage, options: PushOptions): Promise<void> {
  const [first] = references;
  if (first === undefined) return;
  const { base } = options;
  const mountFrom =
    base?.registry === first.registry && base.repository !== first.repository ? base.repository : undefined;
  const alsoRead = mountFrom === undefined ? [] : [mountFrom];
  const registry = new Registry(first, 'pull,push', { ...options, alsoRead });
  await mapAtOnce(unique(image.blobs), (blob) => pushBlob(registry, blob, mountFrom, options), UPLOADS_AT_ONCE);
  for (const manifest of [...image.manifests, image.top]) {
    await registry.putManifest(manifest.digest, manifest.mediaType, manifest.bytes);
  }
  if (image.sbom !== undefined) await attach(registry, image.top, image.sbom, options);
  for (const { tag } of references) {
    await registry.putManifest(tag ?? 'latest', image.top.mediaType, image.top.bytes);
  }
}

function unique<T extends Descriptor>(blobs: readonly T[]): readonly T[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

async function pushBlob(
  registry: Registry,
  blob: Blob,
  mountFrom: string | undefined,
  { sessions, onProgress, partBytes, pauseMs }: PushOptions,
): Promise<void> {
  const { digest: name, size: total } = blob;
  const outcome = await uploadBlob(registry, blob, {
    sessions,
    mountFrom,
    partBytes,
    pauseMs,
    onProgress: (done) => onProgress?.({ step: 'push', name, done, total }),
  });
  if (outcome !== 'uploaded') onProgress?.({ step: 'push', name, done: total, total });
}

const CYCLONEDX = 'application/vnd.cyclonedx+json';

/** As what refers to the image (https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers). */
async function attach(
  registry: Registry,
  { mediaType, digest, size }: Descriptor,
  sbom: Uint8Array,
  options: PushOptions,
): Promise<void> {
  const empty = jsonBlob(MEDIA_TYPES.empty, {});
  const bill = bytesBlob(CYCLONEDX, sbom);
  const manifest = jsonBlob(MEDIA_TYPES.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    artifactType: CYCLONEDX,
    config: descriptorOf(empty),
    layers: [{ ...descriptorOf(bill), annotations: { 'org.opencontainers.image.title': 'sbom.cdx.json' } }],
    subject: { mediaType, digest, size },
  });
  try {
    for (const blob of [empty, bill]) await pushBlob(registry, blob, undefined, options);
    const headers = await registry.putManifest(manifest.digest, manifest.mediaType, manifest.bytes);
    if (headers['oci-subject'] === undefined) await listReferrer(registry, digest, manifest);
  } catch (error) {
    // Some registries take nothing but images. The bill is inside the image as well.
    if (!EkibenError.is(error) || error.code !== 'EKIBEN_REGISTRY_FAILED') throw error;
    options.onProgress?.({ step: 'push', name: 'the registry takes no bill of materials beside an image' });
  }
}

/** For registries that do not list by themselves what refers to an image: a tag does. */
async function listReferrer(registry: Registry, subject: string, manifest: Descriptor): Promise<void> {
  const tag = subject.replace(':', '-');
  const found = await registry.manifest(tag);
  const listed = found === undefined ? undefined : readManifest(found, `${registry.repository}:${tag}`);
  const others = listed?.kind === 'index' ? listed.manifests.filter(({ digest }) => digest !== manifest.digest) : [];
  const entry = { ...descriptorOf(manifest), artifactType: CYCLONEDX };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [...others, entry] };
  await registry.putManifest(tag, MEDIA_TYPES.index, Buffer.from(JSON.stringify(index)));
}

export function descriptorOf({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
