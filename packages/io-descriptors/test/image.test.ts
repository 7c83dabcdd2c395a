import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { image, imageTensor } from '../src/image.ts';
import type { Image } from '../src/image.ts';
import { bytes, thrownBy } from './thrown.ts';

const folder = new URL('fixtures/images/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(name, folder));
const expected = JSON.parse(fixture('expected.json').toString()) as Record<
  string,
  Record<'RGB' | 'RGBA' | 'L', number[]>
>;
const names = readdirSync(folder).filter((name) => name in expected);

describe.each(names)('%s', (name) => {
  test.each(['RGB', 'RGBA', 'L'] as const)('has the pixels that Pillow reads, as %s', async (mode) => {
    const decoded = await image({ mode }).decode(fixture(name), undefined);
    expect([decoded.width, decoded.height, decoded.channels]).toEqual([16, 12, { RGB: 3, RGBA: 4, L: 1 }[mode]]);
    expect([...decoded.data]).toEqual(expected[name]?.[mode]);
  });
});

const png = fixture('rgb.png');

test('comes as any type that is taken, or in a form; its bytes decide', async () => {
  for (const type of ['image/png', 'image/jpeg; x=y', 'application/octet-stream', undefined]) {
    expect(await image().decode(png, type)).toMatchObject({ width: 16 });
  }
  const form = Buffer.concat([
    bytes('--b\r\nContent-Disposition: form-data; name="x"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n'),
    png,
    bytes('\r\n--b--\r\n'),
  ]);
  expect(await image().decode(form, 'multipart/form-data; boundary=b')).toMatchObject({ width: 16 });
});

test.each<[string, object]>([
  ['a quality', { quality: 0 }],
  ['a quality', { quality: 101 }],
  ['a size', { size: { width: 8, height: 0 } }],
  ['a number of pixels', { maxPixels: NaN }],
  ['nothing that is taken', { mediaTypes: [] }],
])('%s that is none is refused at once: %j', (_what, options) => {
  expect(() => image(options)).toThrow(expect.objectContaining({ code: 'EKIBEN_INVALID_SCHEMA' }));
});

describe('refused is', () => {
  test.each([
    ['another type', fixture('other.gif'), 'image/gif', 'EKIBEN_UNSUPPORTED_MEDIA_TYPE'],
    ['another type under a wrong name', fixture('other.gif'), 'image/png', 'EKIBEN_INVALID_INPUT'],
    [
      'SVG, whose decoder nobody asked for',
      bytes('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'image/png',
      'EKIBEN_INVALID_INPUT',
    ],
    ['nothing', bytes(''), 'image/png', 'EKIBEN_INVALID_INPUT'],
    ['an image cut short', png.subarray(0, 100), 'image/png', 'EKIBEN_INVALID_INPUT'],
    ['a JPEG cut short', fixture('rgb.jpg').subarray(0, 600), 'image/jpeg', 'EKIBEN_INVALID_INPUT'],
    ['a header alone', png.subarray(0, 8), 'image/png', 'EKIBEN_INVALID_INPUT'],
  ])('%s', async (_what, body, type, code) => {
    expect((await thrownBy(() => image().decode(body, type))).code).toBe(code);
  });

  test('one of a type that is not taken here', async () => {
    const jpegOnly = image({ mediaTypes: ['image/jpeg'] });
    expect((await thrownBy(() => jpegOnly.decode(png, undefined))).message).toContain('must be image/jpeg');
  });

  test('one of too many pixels, before they are unpacked', async () => {
    const bomb = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    expect(bomb.length).toBeLessThan(1_000_000);
    expect(await thrownBy(() => image().decode(bomb, undefined))).toMatchObject({
      code: 'EKIBEN_BODY_TOO_LARGE',
      details: { maxPixels: 2 ** 25 },
    });
    expect((await thrownBy(() => image({ maxPixels: 191 }).decode(png, undefined))).code).toBe('EKIBEN_BODY_TOO_LARGE');
    expect(await image({ maxPixels: 192 }).decode(png, undefined)).toMatchObject({ width: 16 });
  });

  test('a body beyond its limit', async () => {
    expect((await thrownBy(() => image({ maxBytes: 100 }).decode(png, undefined))).code).toBe('EKIBEN_BODY_TOO_LARGE');
  });
});

test('is made to a size as it is decoded', async () => {
  const small = await image({ size: { width: 4, height: 4 }, mode: 'L' }).decode(png, undefined);
  expect([small.width, small.height, small.data.length]).toEqual([4, 4, 16]);
});

test('is turned as its EXIF data says, when asked', async () => {
  const turned = await sharp(png).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  expect(await image().decode(turned, undefined)).toMatchObject({ width: 16, height: 12 });
  expect(await image({ autoOrient: true }).decode(turned, undefined)).toMatchObject({ width: 12, height: 16 });
});

describe('output', () => {
  const pixels: Image = { width: 2, height: 1, channels: 3, data: Uint8Array.of(255, 0, 0, 0, 0, 255) };

  test('in PNG is the same pixels', async () => {
    const descriptor = image({ contentType: 'image/png' });
    expect(await descriptor.decode((await descriptor.encode(pixels)) as Uint8Array, descriptor.contentType)).toEqual({
      ...pixels,
      data: Buffer.from(pixels.data),
    });
    const grey: Image = { width: 1, height: 1, channels: 1, data: Uint8Array.of(7) };
    const asGrey = image({ contentType: 'image/png', mode: 'L' });
    const greyPng = await asGrey.toWire(grey);
    expect(await asGrey.parse(greyPng)).toEqual(grey);
    expect((await sharp(greyPng).metadata()).channels).toBe(1);
  });

  test.each(['image/jpeg', 'image/webp'] as const)('in %s is about the same', async (contentType) => {
    const descriptor = image({ contentType, quality: 95 });
    const flat: Image = { width: 8, height: 8, channels: 3, data: new Uint8Array(192).fill(100) };
    const { data } = await descriptor.decode((await descriptor.encode(flat)) as Uint8Array, contentType);
    expect(Math.max(...data.map((value) => Math.abs(value - 100)))).toBeLessThan(4);
  });

  test('that is no image is the fault of the server', async () => {
    for (const wrong of [{ ...pixels, width: 3 }, null, { ...pixels, data: [1] }]) {
      expect((await thrownBy(() => image().encode(wrong as Image))).code).toBe('EKIBEN_INVALID_OUTPUT');
    }
  });
});

describe('as a tensor', () => {
  const one: Image = { width: 2, height: 1, channels: 3, data: Uint8Array.of(0, 51, 102, 153, 204, 255) };

  test('channels come first, or last', () => {
    expect(imageTensor(one)).toMatchObject({ shape: [1, 3, 1, 2], data: Float32Array.of(0, 0.6, 0.2, 0.8, 0.4, 1) });
    expect(imageTensor([one, one], { layout: 'NHWC', scale: 1 })).toMatchObject({
      shape: [2, 1, 2, 3],
      data: Float32Array.of(...one.data, ...one.data),
    });
  });

  test('each channel is normalised by its own mean and deviation', () => {
    const { data } = imageTensor(one, { mean: [0.5, 0.5, 0], std: [0.5, 0.25, 1] });
    expect([...data].map((value) => Number(value.toFixed(5)))).toEqual([-1, 0.2, -1.2, 1.2, 0.4, 1]);
  });

  test('images of several sizes are no batch', () => {
    const wide = { ...one, width: 1, data: one.data.subarray(3) };
    expect(() => imageTensor([one, wide])).toThrow(/an image of 1 × 1 × 3 beside one of 2 × 1 × 3/);
    expect(() => imageTensor(one, { mean: [1] })).toThrow(/take 3 values/);
  });
});
