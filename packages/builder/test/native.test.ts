import { expect, test } from '@jest/globals';
import { fitsPlatform, formatPlatform, isForeignBinary, parsePlatform, platformOf } from '../src/native.ts';

const amd64 = parsePlatform('linux/amd64');

test.each([
  ['linux/amd64', { os: 'linux', cpu: 'x64', libc: 'glibc' }],
  ['linux/arm64/v8', { os: 'linux', cpu: 'arm64', libc: 'glibc' }],
  ['linux/amd64/musl', { os: 'linux', cpu: 'x64', libc: 'musl' }],
  ['darwin/arm64', { os: 'darwin', cpu: 'arm64', libc: undefined }],
  ['windows/amd64', { os: 'win32', cpu: 'x64', libc: undefined }],
])('reads the platform %s as Docker writes it', (text, platform) => {
  expect(parsePlatform(text)).toEqual(platform);
  expect(formatPlatform(parsePlatform(text))).toBe(text.replace('/v8', ''));
});

test.each(['linux', 'linux/sparc', 'beos/amd64', 'linux/amd64/uclibc'])('refuses %s', (text) => {
  expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'EKIBEN_PLATFORM_UNKNOWN' }));
});

test.each([
  ['bin/napi-v6/linux/x64/onnxruntime_binding.node', false],
  ['bin/napi-v6/linux/x64/libonnxruntime.so.1.30.0', false],
  ['bin/napi-v6/linux/arm64/onnxruntime_binding.node', true],
  ['bin/napi-v6/darwin/arm64/libonnxruntime.1.30.0.dylib', true],
  ['bin/napi-v6/win32/x64/DirectML.dll', true],
  ['prebuilds/linux-x64/node.napi.glibc.node', false],
  ['prebuilds/linux-x64/node.napi.musl.node', true],
  ['prebuilds/darwin-x64+arm64/node.napi.node', true],
  ['index.linux-x64-gnu.node', false],
  ['index.win32-x64-msvc.node', true],
  ['build/Release/addon.node', false],
  ['lib/win32/paths.js', false],
])('on linux/amd64, %s is foreign: %p', (path, foreign) => expect(isForeignBinary(path, amd64)).toBe(foreign));

test('what a package.json says of platforms counts as npm reads it', () => {
  expect(fitsPlatform({}, amd64)).toBe(true);
  expect(fitsPlatform({ os: ['linux'], cpu: ['x64'], libc: ['glibc'] }, amd64)).toBe(true);
  expect(fitsPlatform({ os: ['linux'], cpu: ['x64'], libc: ['musl'] }, amd64)).toBe(false);
  expect(fitsPlatform({ os: ['!win32'] }, amd64)).toBe(true);
  expect(fitsPlatform({ os: ['!linux'] }, amd64)).toBe(false);
});

test('a name speaks of a platform only when it names a system', () => {
  expect(platformOf('@img/sharp-linuxmusl-arm64')).toEqual({ os: 'linux', cpu: 'arm64', libc: 'musl' });
  expect(platformOf('x64')).toBeUndefined();
  expect(platformOf('zod')).toBeUndefined();
});
