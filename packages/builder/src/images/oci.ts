// An OCI image of a bento without Docker: base layers from elsewhere, our own on top, written or pushed by ourselves.
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { storeHome, type StoredBento } from '@ekiben/store';
import { DISTROS, type DistroName } from '../distros.ts';
import { formatPlatform, type Platform } from '../native.ts';
import { fetchBase, type BaseImage } from './base.ts';
import { bentoFiles } from './bento-files.ts';
import { BlobCache } from './blobs.ts';
import { DEFAULT_PATH, imageConfig, labelsOf, strings } from './config.ts';
import { jsonBlob, writeLayout, writeTar, type Blob, type JsonBlob } from './layout.ts';
import { makeLayer, type Layer } from './layer.ts';
import { isObject, MEDIA_TYPES } from './manifest.ts';
import { NODE_PATH, nodeLayer } from './node-layer.ts';
import { partsOf } from './parts.ts';
import { descriptorOf, pushImage } from './push.ts';
import { parseReference } from './reference.ts';

/** Where a base image comes from. */
export type ImageSource =
  | { readonly kind: 'registry'; readonly reference: string }
  /** A directory in the OCI layout. `name` is needed where it holds several images. */
  | { readonly kind: 'layout'; readonly path: string; readonly name?: string | undefined }
  /** A tar file, as `docker save` and `skopeo copy … oci-archive:` write it, or one of a root file system. */
  | { readonly kind: 'archive'; readonly path: string };

/** Where the image goes. */
export type ImageOutput =
  | { readonly kind: 'registry' }
  /** A directory in the OCI layout. */
  | { readonly kind: 'layout'; readonly path: string }
  /** One tar file for `docker load`, `podman load` and `skopeo copy oci-archive:` alike. */
  | { readonly kind: 'tar'; readonly path: string };

/** What is being done, for somebody who waits. */
export interface ImageProgress {
  readonly step: 'base' | 'packages' | 'layer' | 'push' | 'write';
  /** The layer, reference or file. */
  readonly name: string;
  /** Bytes done, and of how many, where that is known. */
  readonly done?: number | undefined;
  readonly total?: number | undefined;
}

export interface OciImageOptions {
  readonly bento: StoredBento;
  /** What the image is called, at least one name: `registry.example.com/team/credit-risk:1.0`. */
  readonly images: readonly string[];
  /** Several make an index, with an image for each. The C library is the base image's. */
  readonly platforms: readonly Platform[];
  /** @default the bento's `docker.base_image`, else a Debian with no shell; Node comes as a layer of its own where a base has none */
  readonly base?: ImageSource | undefined;
  readonly outputs: readonly ImageOutput[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined;
  /** The home of the stores, below which layers are kept for the next image. @default as `@ekiben/store` finds it */
  readonly home?: string | undefined;
}

export interface WrittenLayer {
  readonly digest: string;
  /** Bytes, compressed. */
  readonly size: number;
  /** `base`, or what is in ours. */
  readonly part: 'base' | 'node' | 'dependencies' | 'models' | 'code';
  /** Whether it was there from an image before. */
  readonly reused: boolean;
}

export interface WrittenImage {
  /** Of the manifest, or of the index where there are several platforms. */
  readonly digest: string;
  readonly manifests: readonly {
    /** As Docker writes it: `linux/amd64`. */
    readonly platform: string;
    readonly digest: string;
    readonly layers: readonly WrittenLayer[];
  }[];
}

/**
 * Writes, or pushes, the image of a bento. The same bento on the same base is the same image, to the digest.
 * @throws EKIBEN_IMAGE_BASE_NOT_FOUND, EKIBEN_IMAGE_BASE_UNFIT, EKIBEN_IMAGE_INVALID, EKIBEN_IMAGE_NAME_INVALID,
 *   EKIBEN_IMAGE_NEEDS_DOCKER, EKIBEN_IMAGE_DISK_FULL, EKIBEN_IMAGE_SAVE_FAILED, EKIBEN_NODE_NOT_FOUND, EKIBEN_PLATFORM_MISSING,
 *   EKIBEN_PACKAGES_NOT_INSTALLED, EKIBEN_REGISTRY_DENIED, EKIBEN_REGISTRY_FAILED, EKIBEN_CREDENTIALS_FAILED
 */
export async function writeOciImage(options: OciImageOptions): Promise<WrittenImage> {
  const { bento, images, outputs, signal, onProgress } = options;
  for (const image of images) parseReference(image);
  const cache = new BlobCache(join(storeHome(options.home), 'ekiben', 'images'));
  const source = options.base ?? baseOf(bento);
  const written: PlatformImage[] = [];
  for (const platform of options.platforms) written.push(await imageFor(platform, source, cache, options));
  const [first] = written;
  if (first === undefined) throw new TypeError('an image is for at least one platform');
  const top = written.length === 1 ? first.manifest : indexOf(written);
  const layers: readonly Blob[] = written.flatMap((each) =>
    each.layers.map((layer) => ({
      ...layer.descriptor,
      open: (from?: number, to?: number) => cache.open(layer.descriptor.digest, from, to),
    })),
  );
  const configs = written.map(({ config }) => config);
  const manifests = written.map(({ manifest }) => manifest);
  for (const output of outputs) {
    if (output.kind === 'registry') {
      const sbom = first.sbom;
      const base = first.base.repository;
      const pushed = { images, top, manifests, blobs: [...layers, ...configs], sbom };
      await pushImage(pushed, { sessions: cache.sessions, base, signal, onProgress });
    } else {
      onProgress?.({ step: 'write', name: output.path });
      const docker = { config: first.config.digest, layers: first.layers.map(({ descriptor }) => descriptor.digest) };
      const layout = { images, top, blobs: [...layers, ...configs, ...manifests, top], docker };
      await (output.kind === 'tar' ? writeTar : writeLayout)(layout, output.path, signal);
    }
  }
  await cache.prune();
  return {
    digest: top.digest,
    manifests: written.map(({ platform, manifest, layers: own }) => ({
      platform,
      digest: manifest.digest,
      layers: own.map(({ descriptor: { digest, size }, part, reused }) => ({ digest, size, part, reused })),
    })),
  };
}

/** The image for one platform. */
interface PlatformImage {
  readonly platform: string;
  readonly base: BaseImage;
  readonly manifest: JsonBlob;
  readonly config: JsonBlob;
  readonly layers: readonly (Layer & { readonly part: WrittenLayer['part'] })[];
  readonly sbom: Uint8Array | undefined;
}

async function imageFor(
  wanted: Platform,
  source: ImageSource,
  cache: BlobCache,
  { bento, signal, onProgress }: OciImageOptions,
): Promise<PlatformImage> {
  const base = await fetchBase(source, wanted, { cache, signal, onProgress });
  const { node, platform } = fit(base, bento, wanted);
  const { files, remove } = await bentoFiles(bento, platform, {
    signal,
    onLog: (name) => onProgress?.({ step: 'packages', name }),
  });
  try {
    const nodes = node === undefined ? [nodeLayer(nodeVersionOf(bento), platform, cache, signal)] : [];
    const parts = partsOf(files, bento.node?.module ?? '');
    const own = await Promise.all([
      ...nodes.map(async (layer) => ({ ...(await layer), part: 'node' as const })),
      ...parts.map(async ([part, content]) => ({ ...(await makeLayer(content, cache)), part })),
    ]);
    for (const { part, descriptor } of own) onProgress?.({ step: 'layer', name: part, total: descriptor.size });
    const under = base.layers.map((layer) => ({ ...layer, part: 'base' as const, reused: true }));
    const name = base.repository === undefined ? undefined : base.name;
    const labels = labelsOf(bento, { name, digest: base.digest });
    const config = jsonBlob(
      MEDIA_TYPES.config,
      imageConfig({
        bento,
        base: base.config,
        layers: own.map(({ diffId, part }) => ({ diffId, what: part })),
        node: node ?? `/${NODE_PATH}`,
        labels,
      }),
    );
    const layers = [...under, ...own];
    const manifest = jsonBlob(MEDIA_TYPES.manifest, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config: descriptorOf(config),
      layers: layers.map(({ descriptor }) => descriptorOf(descriptor)),
      annotations: labels,
    });
    return { platform: formatPlatform(platform), base, manifest, config, layers, sbom: await readSbom(files) };
  } finally {
    await remove();
  }
}

/** What the base decides: the C library, and whether Node is there already. */
function fit(base: BaseImage, bento: StoredBento, wanted: Platform): { node: string | undefined; platform: Platform } {
  const contents = base.layers.flatMap(({ content }) => content ?? []);
  const libc = contents.some((content) => content.libc === 'musl') ? 'musl' : 'glibc';
  const platform = { ...wanted, libc } as const;
  const variables = strings(base.config.config['Env']);
  const valueOf = (name: string) => variables.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
  const places = [
    ...strings(base.config.config['Entrypoint']).slice(0, 1),
    ...(valueOf('PATH') ?? DEFAULT_PATH).split(':').map((folder) => `${folder}/node`),
  ];
  const there = new Set(contents.flatMap((content) => content.node.map((path) => `/${path}`)));
  const node = places.find((place) => there.has(place));
  const version = valueOf('NODE_VERSION');
  const needed = Number(/^\d+/.exec(nodeOf(bento).version)?.[0] ?? 0);
  if (node !== undefined && version !== undefined && Number.parseInt(version, 10) < needed) {
    throw unfit(base, `it has Node ${version}, and the bento needs ${needed} or newer`);
  }
  if (node === undefined && libc === 'musl') {
    throw unfit(
      base,
      'it has musl and no Node, and Node itself is only to be had for glibc; take one such as node:20-alpine',
    );
  }
  return { node, platform };
}

function unfit(base: BaseImage, why: string): EkibenError {
  return new EkibenError('EKIBEN_IMAGE_BASE_UNFIT', `The base image ${base.name} does not fit: ${why}.`);
}

function nodeOf({ document }: StoredBento): { readonly version: string; readonly wanted: string } {
  const node = isObject(document['node']) ? document['node'] : {};
  const version = String(node['version'] ?? '');
  return { version, wanted: String(node['docker_node_version'] ?? version) };
}

function nodeVersionOf(bento: StoredBento): string {
  return nodeOf(bento).wanted;
}

async function readSbom(files: Awaited<ReturnType<typeof bentoFiles>>['files']): Promise<Uint8Array | undefined> {
  const content = files.find(({ path }) => path === 'env/sbom.cdx.json')?.content;
  return content === undefined || content instanceof Uint8Array ? content : readFile(content.source);
}

function indexOf(images: readonly PlatformImage[]): JsonBlob {
  return jsonBlob(MEDIA_TYPES.index, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.index,
    manifests: images.map(({ manifest, base }) => {
      const { os, architecture, variant } = base.config;
      return { ...descriptorOf(manifest), platform: { os, architecture, ...(variant !== undefined && { variant }) } };
    }),
  });
}

/** Where the bento names none: Debian without a shell and a package manager, which is small, and less to be attacked. */
const DEBIAN = 'gcr.io/distroless/cc-debian12';

/** @throws EKIBEN_IMAGE_NEEDS_DOCKER, EKIBEN_IMAGE_BASE_NOT_FOUND */
function baseOf(bento: StoredBento): ImageSource {
  const docker = isObject(bento.document['docker']) ? bento.document['docker'] : {};
  const running = ['system_packages', 'setup_script', 'dockerfile_template'].filter((key) => hasValue(docker[key]));
  if (running.length > 0) {
    throw new EkibenError(
      'EKIBEN_IMAGE_NEEDS_DOCKER',
      `docker.${running.join(', docker.')} of the bento run programs in the image: that takes Docker, Podman or Buildah. Or make a base image with what they install, and name it.`,
      { details: { keys: running } },
    );
  }
  const { base_image: named, distro = 'debian' } = docker;
  if (typeof named === 'string' && named !== '') return parseImageSource(named);
  const image = Object.hasOwn(DISTROS, String(distro)) ? DISTROS[distro as DistroName].image : undefined;
  if (image !== undefined) return parseImageSource(distro === 'debian' ? DEBIAN : image(nodeVersionOf(bento)));
  throw new EkibenError(
    'EKIBEN_IMAGE_BASE_NOT_FOUND',
    `docker.distro ${String(distro)} has no base image with Node; name one as docker.base_image.`,
  );
}

function hasValue(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : Array.isArray(value) ? value.length > 0 : false;
}

/**
 * A base image as Skopeo writes it: `node:20-bookworm-slim`, `oci:directory`, `oci:directory:name`, `oci-archive:file.tar`,
 * `docker-archive:file.tar`; or the path of such a directory or file.
 * @throws EKIBEN_IMAGE_NAME_INVALID
 */
export function parseImageSource(text: string): ImageSource {
  const [, transport, rest = ''] = /^(oci|oci-archive|docker-archive|docker):(?:\/\/)?(.+)$/.exec(text) ?? [];
  if (transport === 'oci') {
    const [path = '', name] = rest.split(/:(?=[^/\\]*$)/);
    return { kind: 'layout', path, name };
  }
  if (transport === 'oci-archive' || transport === 'docker-archive') return { kind: 'archive', path: rest };
  if (transport === undefined && /^\.{0,2}[/\\]/.test(text)) {
    const isDirectory = statSync(text, { throwIfNoEntry: false })?.isDirectory() === true;
    return isDirectory ? { kind: 'layout', path: text } : { kind: 'archive', path: text };
  }
  const reference = transport === undefined ? text : rest;
  parseReference(reference);
  return { kind: 'registry', reference };
}
