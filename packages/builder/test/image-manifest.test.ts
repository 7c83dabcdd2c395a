// What others wrote is believed only where it is as it should be.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EkibenError } from '@ekiben/spec';
import { MEDIA_TYPES, readConfig, readManifest } from '../src/images/manifest.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: MEDIA_TYPES.config, digest, size: 2 };
const layer = { mediaType: MEDIA_TYPES.layer, digest, size: 3 };
const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config, layers: [layer] };

function bytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

test('a manifest of OCI, and one of Docker, are the same', () => {
  const docker = {
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
    layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
  };
  expect(readManifest(bytes(manifest), 'x')).toMatchObject({ kind: 'image', layers: [layer] });
  expect(readManifest(bytes(docker), 'x')).toMatchObject({ kind: 'image', layers: [layer] });
});

test('an index', () => {
  const platform = { os: 'linux', architecture: 'arm64', variant: 'v8' };
  const entry = { mediaType: MEDIA_TYPES.manifest, digest, size: 5, platform };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [entry] };
  expect(readManifest(bytes(index), 'x')).toEqual({ kind: 'index', manifests: [entry] });
});

test.each([
  ['of schema 1', { ...manifest, schemaVersion: 1 }],
  [
    'with a layer that is somewhere else',
    { ...manifest, layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }] },
  ],
  ['with a digest that is a path', { ...manifest, layers: [{ ...layer, digest: 'sha256:../../../etc/passwd' }] }],
  ['with another digest than SHA-256', { ...manifest, layers: [{ ...layer, digest: `md5:${'a'.repeat(32)}` }] }],
  ['with a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }],
  ['with a size that is none', { ...manifest, config: { ...config, size: 1.5 } }],
  ['with no layers', { ...manifest, layers: undefined }],
  ['with too many layers', { ...manifest, layers: Array.from({ length: 121 }, () => layer) }],
  ['that is a list', [manifest]],
])('no manifest %s', (_what, value) => {
  expect(() => readManifest(bytes(value), 'x')).toThrow(expect.objectContaining({ code: 'EKIBEN_IMAGE_INVALID' }));
});

test('whatever it is, it is read or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (any) => {
        for (const read of [() => readManifest(any, 'x'), () => readConfig(any, 1, 'x')]) {
          try {
            read();
          } catch (error) {
            if (!EkibenError.is(error)) throw error;
          }
        }
      },
    ),
  );
});

test('a configuration must have the digest of every layer', () => {
  const good = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] }, history: [1, {}] };
  expect(readConfig(bytes(good), 1, 'x')).toMatchObject({ config: {}, history: [{}] });
  for (const [value, layers] of [
    [good, 2],
    [{ ...good, rootfs: { diff_ids: ['sha256:x'] } }, 1],
    [{ ...good, os: undefined }, 1],
  ] as const) {
    expect(() => readConfig(bytes(value), layers, 'x')).toThrow(
      expect.objectContaining({ code: 'EKIBEN_IMAGE_INVALID' }),
    );
  }
});
