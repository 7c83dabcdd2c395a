// An OCI image of a bento without Docker: base layers from elsewhere, our own on top, written or pushed by ourselves.
import type { StoredBento } from '@ekiben/store';
import type { Platform } from '../native.ts';

/** Where a base image comes from. */
export type ImageSource =
  | { readonly kind: 'registry'; readonly reference: string }
  /** A directory in the OCI layout. `name` is needed where it holds several images. */
  | { readonly kind: 'layout'; readonly path: string; readonly name?: string | undefined }
  /** A tar file, as `docker save` and `skopeo copy … oci-archive:` write it. */
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
  /** What the image is called: `registry.example.com/team/credit-risk:1.0`. */
  readonly image: string;
  /** Several make an index, with an image for each. */
  readonly platforms: readonly Platform[];
  /** @default a small Debian with no shell; Node comes as a layer of its own */
  readonly base?: ImageSource | undefined;
  readonly output: ImageOutput;
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
