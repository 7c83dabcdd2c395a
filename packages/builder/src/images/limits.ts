// What is believed of registries and base images is bounded; each limit says why.

/** Registries must take manifests of 4 MiB, and many take no larger ones; configurations are of kilobytes, too. */
export const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;

/** overlayfs, as Docker mounts it, takes no more. */
export const LAYERS_MAX = 120;

/** Of a base's layer: above every base image in use, CUDA's included. */
export const LAYER_MAX_BYTES = 16 * 1024 ** 3;

/** Of a base's layer, unpacked, which is only looked through: stops what is packed to keep us busy for hours. */
export const LAYER_MAX_UNPACKED_BYTES = 64 * 1024 ** 3;

/** Of a token, an error, a list: some kilobytes. */
export const ANSWER_MAX_BYTES = 1024 * 1024;

/** Docker's file of credentials has some lines for each registry. */
export const DOCKER_CONFIG_MAX_BYTES = 1024 * 1024;

/** To the storage behind a registry; two are usual. */
export const REDIRECTS_MAX = 5;
