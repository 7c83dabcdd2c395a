// Container images of bentos. A subpath of its own: a build does not load it.
export { parseImageSource, writeOciImage } from './images/oci.ts';
export type {
  ImageOutput,
  ImageProgress,
  ImageSource,
  OciImageOptions,
  WrittenImage,
  WrittenLayer,
} from './images/oci.ts';
export { BACKENDS, containerize } from './images/containerize.ts';
export type { Backend, ContainerizedBento, ContainerizeOptions } from './images/containerize.ts';
