// Native packages, and of which platform their files are: a bento has those of one platform only.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import type { Package, PackageManifest } from './package-root.ts';

/** As Node names them: `process.platform`, `process.arch`; the C library of Linux. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc: 'glibc' | 'musl' | undefined;
}

/** Docker's names → Node's. */
const CPUS: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64', '386': 'ia32', x64: 'x64' };
const SYSTEMS: Readonly<Record<string, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  windows: 'win32',
  win32: 'win32',
};

/**
 * Reads `linux/amd64`, `linux/arm64`, or with a C library `linux/amd64/musl`.
 * @throws EKIBEN_PLATFORM_UNKNOWN
 */
export function parsePlatform(text: string): Platform {
  const [os = '', cpu = '', libc] = text.split('/');
  const platform = { os: SYSTEMS[os], cpu: CPUS[cpu] };
  const knownLibc = libc === undefined || libc === 'glibc' || libc === 'musl' || /^v\d$/.test(libc);
  if (platform.os === undefined || platform.cpu === undefined || !knownLibc) {
    throw new EkibenError(
      'EKIBEN_PLATFORM_UNKNOWN',
      `'${text}' is no platform; write linux/amd64, linux/arm64, linux/amd64/musl, darwin/arm64 or windows/amd64.`,
    );
  }
  return {
    os: platform.os,
    cpu: platform.cpu,
    libc: os === 'linux' ? (libc === 'musl' ? 'musl' : 'glibc') : undefined,
  };
}

/** Of this process. */
export function hostPlatform(): Platform {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const libc = header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  return { os: process.platform, cpu: process.arch, libc: process.platform === 'linux' ? libc : undefined };
}

/** `linux/amd64`, as Docker writes it. */
export function formatPlatform({ os, cpu, libc }: Platform): string {
  const docker = [os === 'win32' ? 'windows' : os, cpu === 'x64' ? 'amd64' : cpu];
  return [...docker, ...(libc === 'musl' ? ['musl'] : [])].join('/');
}

/** Without a C library, which is the base image's. */
export function dockerPlatform({ os, cpu }: Platform): string {
  return formatPlatform({ os, cpu, libc: undefined });
}

/** What npm's fields `os`, `cpu` and `libc` say: names, or names that are excluded by `!`. */
export function fitsPlatform(manifest: Pick<PackageManifest, 'os' | 'cpu' | 'libc'>, platform: Platform): boolean {
  return (
    allows(manifest.os, platform.os) &&
    allows(manifest.cpu, platform.cpu) &&
    (platform.libc === undefined || allows(manifest.libc, platform.libc))
  );
}

function allows(list: readonly string[] | string | undefined, value: string): boolean {
  const names = typeof list === 'string' ? [list] : (list ?? []);
  if (names.includes(`!${value}`)) return false;
  const wanted = names.filter((name) => !name.startsWith('!'));
  return wanted.length === 0 || wanted.includes(value) || wanted.includes('any');
}

/** Packages that load native code, by what such packages say of themselves. */
const NATIVE_HELPERS = [
  'node-gyp-build',
  'bindings',
  'node-addon-api',
  'prebuild-install',
  '@mapbox/node-pre-gyp',
  'cmake-js',
];

/** In a package: what is built there, or has been. */
export const NATIVE_PLACES: readonly string[] = ['binding.gyp', 'prebuilds', 'build/Release'];

export function isNative({ dir, manifest }: Package): boolean {
  const { dependencies = {}, optionalDependencies = {} } = manifest;
  return (
    manifest.gypfile === true ||
    manifest.binary !== undefined ||
    manifest.os !== undefined ||
    manifest.cpu !== undefined ||
    NATIVE_HELPERS.some((name) => dependencies[name] !== undefined) ||
    Object.keys(optionalDependencies).some((name) => platformOf(name) !== undefined) ||
    NATIVE_PLACES.some((path) => existsSync(join(dir, path)))
  );
}

interface NamedPlatform {
  readonly os: string | undefined;
  readonly cpu: string | undefined;
  readonly libc: 'glibc' | 'musl' | undefined;
}

const OS_WORDS: Readonly<Record<string, string>> = {
  linux: 'linux',
  linuxmusl: 'linux',
  darwin: 'darwin',
  macos: 'darwin',
  win32: 'win32',
  windows: 'win32',
  android: 'android',
  freebsd: 'freebsd',
  openbsd: 'openbsd',
  sunos: 'sunos',
  aix: 'aix',
};
const CPU_WORDS: Readonly<Record<string, string>> = {
  x64: 'x64',
  amd64: 'x64',
  x86: 'ia32',
  ia32: 'ia32',
  arm64: 'arm64',
  aarch64: 'arm64',
  armv8: 'arm64',
  arm: 'arm',
  armv7: 'arm',
  armv6: 'arm',
  riscv64: 'riscv64',
  ppc64: 'ppc64',
  s390x: 's390x',
  loong64: 'loong64',
  universal: 'universal',
};
const LIBC_WORDS: Readonly<Record<string, 'glibc' | 'musl'>> = {
  gnu: 'glibc',
  glibc: 'glibc',
  gnueabihf: 'glibc',
  musl: 'musl',
  musleabihf: 'musl',
  linuxmusl: 'musl',
};

/** The platform that a name speaks of: `napi-v6/linux/x64`, `prebuilds/win32-ia32`, `index.darwin-arm64.node`; undefined for none. */
export function platformOf(path: string): NamedPlatform | undefined {
  const words = path.toLowerCase().split(/[^a-z0-9]+/);
  const named = { os: lastOf(words, OS_WORDS), cpu: lastOf(words, CPU_WORDS), libc: lastOf(words, LIBC_WORDS) };
  return named.os === undefined ? undefined : named;
}

function lastOf<T>(words: readonly string[], meanings: Readonly<Record<string, T>>): T | undefined {
  const word = words.findLast((each) => Object.hasOwn(meanings, each));
  return word === undefined ? undefined : meanings[word];
}

/** What a platform loads: `.node`, and the libraries beside it. */
const BINARY = /\.(?:node|dll|dylib|exe|lib|pdb)$|\.so(?:\.[\d.]+)?$/;

export function isBinary(path: string): boolean {
  return BINARY.test(path);
}

/** Whether a package, with these files of it, runs on one platform only. */
export function isOfOnePlatform({ os, cpu, libc }: PackageManifest, paths: readonly string[]): boolean {
  return os !== undefined || cpu !== undefined || libc !== undefined || paths.some(isBinary);
}

/** Whether a file of a package is a binary that `platform` cannot load. */
export function isForeignBinary(path: string, { os, cpu, libc }: Platform): boolean {
  if (!isBinary(path)) return false;
  const named = platformOf(path);
  if (named === undefined) return false;
  const foreignCpu = named.cpu !== undefined && named.cpu !== 'universal' && named.cpu !== cpu;
  return named.os !== os || foreignCpu || (named.libc !== undefined && libc !== undefined && named.libc !== libc);
}
