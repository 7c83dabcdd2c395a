// Container images of bentos. A subpath of its own: a build does not load it.
export type {
  ImageOutput,
  ImageProgress,
  ImageSource,
  OciImageOptions,
  WrittenImage,
  WrittenLayer,
} from './images/oci.ts';
