/** Images, decoded and encoded by sharp. BentoML's `Image`. */
import { EkibenError } from '@ekiben/spec';
import type { Tensor } from '@ekiben/spec';
import { tensor } from '@ekiben/tensor';
import type { Sharp } from 'sharp';
import { binary } from './binary.ts';
import type { Descriptor } from './descriptor.ts';
import { refusedInput, refusedOutput } from './faults.ts';
import { DEFAULT_MAX_PIXELS, MAX_IMAGE_SECONDS } from './limits.ts';
import { importPeer } from './peer.ts';

const { default: sharp } = await importPeer(() => import('sharp'), 'sharp');

/** Pixels, row by row from the top left, their channels interleaved. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  /** `height * width * channels` values of 0 to 255. */
  readonly data: Uint8Array;
}

export type ImageType = 'image/jpeg' | 'image/png' | 'image/webp';

export interface ImageOptions {
  /** The channels of what the handler gets, as Pillow calls them. @default 'RGB' */
  readonly mode?: 'RGB' | 'RGBA' | 'L' | undefined;
  /** What may come. The bytes decide what it is. @default JPEG, PNG and WebP */
  readonly mediaTypes?: readonly ImageType[] | undefined;
  /** Made to this size, in pixels, as it is decoded. @default as it comes */
  readonly size?:
    | { readonly width: number; readonly height: number; readonly fit?: 'cover' | 'contain' | 'fill' | undefined }
    | undefined;
  /** Whether it is turned as its EXIF data says. @default false, as in Pillow */
  readonly autoOrient?: boolean | undefined;
  /** The `Content-Type` of what `encode` makes. @default 'image/jpeg' */
  readonly contentType?: ImageType | undefined;
  /** Of JPEG and WebP, 1 to 100. @default 80 */
  readonly quality?: number | undefined;
  /** Width times height of what is decoded. @default 32 Mi */
  readonly maxPixels?: number | undefined;
  /** The largest body, in bytes, that is read. @default 16 MiB */
  readonly maxBytes?: number | undefined;
}

/** Channels of each mode. `L` is made of RGB, since libvips weighs the colours otherwise than Pillow. */
const CHANNELS = { RGB: 3, RGBA: 4, L: 3 } as const;

/**
 * An image as the whole body, or as the first file of a form (`multipart/form-data`). What it is, its first bytes say; only that decoder
 * ever sees them. An embedded colour profile is applied: the handler gets sRGB. Of an animation it gets the first frame.
 *
 * @throws EKIBEN_INVALID_SCHEMA for options that are none
 *
 * @example
 * image({ size: { width: 224, height: 224 } }) // the handler gets { width, height, channels: 3, data }
 */
export function image(options: ImageOptions = {}): Descriptor<Uint8Array, Image> {
  checkOptions(options);
  const { mediaTypes = TYPES, contentType = 'image/jpeg', maxBytes } = options;
  return binary({
    mediaTypes,
    contentType,
    maxBytes,
    read: (bytes) => decodeImage(bytes, mediaTypes, options),
    write: (value) => encodeImage(value, contentType, options.quality),
    bentoml: {
      id: 'bentoml.io.Image',
      args: { pilmode: options.mode ?? 'RGB', mime_type: contentType, allowed_mime_types: mediaTypes },
    },
  });
}

const TYPES: readonly ImageType[] = ['image/jpeg', 'image/png', 'image/webp'];

/** sharp would say so of every image, which is no fault of who sends it. */
function checkOptions({ quality = 80, size, maxPixels = DEFAULT_MAX_PIXELS, mediaTypes = TYPES }: ImageOptions): void {
  const isCount = (value: number) => Number.isInteger(value) && value > 0;
  const wrong = (message: string) => new EkibenError('EKIBEN_INVALID_SCHEMA', message);
  if (mediaTypes.length === 0) throw wrong('image: mediaTypes is empty, so that nothing would be taken.');
  if (!isCount(quality) || quality > 100) throw wrong(`image: quality is a whole number of 1 to 100, not ${quality}.`);
  if (!isCount(maxPixels)) throw wrong(`image: maxPixels is a whole number above 0, not ${maxPixels}.`);
  if (size !== undefined && !(isCount(size.width) && isCount(size.height)))
    throw wrong(`image: size is whole numbers above 0, not ${size.width} × ${size.height}.`);
}

/** What a file of each type begins with; WebP's comes after the length of its RIFF. */
function typeOf(bytes: Uint8Array): ImageType | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12)).toString('latin1');
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'image/webp' : undefined;
}

async function decodeImage(bytes: Uint8Array, mediaTypes: readonly ImageType[], options: ImageOptions): Promise<Image> {
  const { mode = 'RGB', size, autoOrient = false, maxPixels = DEFAULT_MAX_PIXELS } = options;
  const type = typeOf(bytes);
  if (type === undefined || !mediaTypes.includes(type)) throw invalid(`must be ${mediaTypes.join(', ')}`);
  let pipeline = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error', pages: 1, autoOrient }).toColourspace(
    'srgb',
  );
  if (size !== undefined) pipeline = pipeline.resize({ fit: 'cover', ...size });
  pipeline = mode === 'RGBA' ? pipeline.ensureAlpha() : pipeline.removeAlpha();
  const { data, info } = await pixelsOf(pipeline, maxPixels);
  const { width, height } = info;
  if (info.channels !== CHANNELS[mode]) throw invalid(`has ${info.channels} channels`);
  return mode === 'L'
    ? { width, height, channels: 1, data: luminanceOf(data) }
    : { width, height, channels: CHANNELS[mode], data };
}

async function pixelsOf(pipeline: Sharp, maxPixels: number) {
  try {
    return await pipeline
      .timeout({ seconds: MAX_IMAGE_SECONDS })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    if (/pixel limit/.test((cause as Error).message)) throw tooManyPixels(maxPixels);
    throw invalid('cannot be decoded: it is damaged or cut short', cause);
  }
}

/** ITU-R 601-2 in the integers that Pillow computes with; the value of a grey pixel stays what it is. */
function luminanceOf(rgb: Uint8Array): Uint8Array {
  const grey = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    const [r = 0, g = 0, b = 0] = [rgb[at], rgb[at + 1], rgb[at + 2]];
    grey[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return grey;
}

async function encodeImage(value: Image, contentType: ImageType, quality = 80): Promise<Uint8Array> {
  const { width, height, channels, data } = value ?? {};
  const isWhole = data instanceof Uint8Array && width > 0 && data.length === width * height * channels;
  if (!isWhole) throw refusedOutput([{ pointer: '/data', message: 'must be width × height × channels bytes' }]);
  const pixels = sharp(data, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  if (contentType === 'image/png') return pixels.png().toBuffer();
  return contentType === 'image/webp' ? pixels.webp({ quality }).toBuffer() : pixels.jpeg({ quality }).toBuffer();
}

export interface ImageTensorOptions {
  /** @default 'NCHW' */
  readonly layout?: 'NCHW' | 'NHWC' | undefined;
  /** What a value of 0 to 255 is multiplied by. @default 1 / 255 */
  readonly scale?: number | undefined;
  /** Subtracted from each channel after scaling. @default 0 */
  readonly mean?: readonly number[] | undefined;
  /** What each channel is divided by after that. @default 1 */
  readonly std?: readonly number[] | undefined;
}

/**
 * Images as a batch for a model: float32 of `[n, channels, height, width]` or `[n, height, width, channels]`.
 *
 * @throws EKIBEN_TENSOR_MISMATCH when the images differ in size, or `mean` or `std` in channels
 *
 * @example
 * imageTensor(photo, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }) // as ImageNet's models take it
 */
export function imageTensor(images: Image | readonly Image[], options: ImageTensorOptions = {}): Tensor<'float32'> {
  const { layout = 'NCHW', scale = 1 / 255, mean = [], std = [] } = options;
  const batch = 'data' in images ? [images] : images;
  const { width = 0, height = 0, channels = 0 } = batch[0] ?? {};
  const mismatch = (what: string) => new EkibenError('EKIBEN_TENSOR_MISMATCH', what);
  for (const { width: w, height: h, channels: c } of batch) {
    if (w !== width || h !== height || c !== channels) {
      throw mismatch(`an image of ${w} × ${h} × ${c} beside one of ${width} × ${height} × ${channels}`);
    }
  }
  if ([mean, std].some(({ length }) => length > 0 && length !== channels))
    throw mismatch(`mean and std take ${channels} values`);
  const pixels = width * height;
  const values = new Float32Array(batch.length * pixels * channels);
  const [channelStep, pixelStep] = layout === 'NCHW' ? [pixels, 1] : [1, channels];
  batch.forEach(({ data }, n) => {
    for (let channel = 0; channel < channels; channel++) {
      const factor = scale / (std[channel] ?? 1);
      const offset = (mean[channel] ?? 0) / (std[channel] ?? 1);
      let to = n * pixels * channels + channel * channelStep;
      for (let from = channel; from < data.length; from += channels, to += pixelStep) {
        values[to] = (data[from] ?? 0) * factor - offset;
      }
    }
  });
  const shape = layout === 'NCHW' ? [channels, height, width] : [height, width, channels];
  return tensor(values, [batch.length, ...shape], 'float32');
}

const invalid = (message: string, cause?: unknown) => {
  const { details, message: text } = refusedInput([{ pointer: '', message }]);
  return new EkibenError('EKIBEN_INVALID_INPUT', text, { details, cause });
};

const tooManyPixels = (maxPixels: number) =>
  new EkibenError('EKIBEN_BODY_TOO_LARGE', `The image has more than the ${maxPixels} pixels that are taken here.`, {
    details: { maxPixels },
  });
