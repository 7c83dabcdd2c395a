// Node as a layer, for bases that have none: the program that npm's own `node` package installs, for any platform.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { EkibenError } from '@ekiben/spec';
import { extract } from 'tar-stream';
import { formatPlatform, type Platform } from '../native.ts';
import type { BlobCache } from './blobs.ts';
import { makeLayer, type Layer, type LayerFile } from './layer.ts';
import { isObject } from './manifest.ts';
import { runProgram } from './program.ts';

export const NODE_PATH = 'usr/local/bin/node';

/** Of a release that is new the program learns a day late, and asks the registry once a day only. */
const ASKED_MS = 24 * 60 * 60 * 1000;

export interface NodeLayer extends Layer {
  /** `20.20.2` */
  readonly version: string;
}

/**
 * @param version - `20`, `20.19` or `20.19.5`; the newest of them
 * @throws EKIBEN_NODE_NOT_FOUND, EKIBEN_PACKAGES_NOT_INSTALLED, EKIBEN_IMAGE_DISK_FULL
 */
export async function nodeLayer(
  version: string,
  platform: Platform,
  cache: BlobCache,
  signal?: AbortSignal,
): Promise<NodeLayer> {
  if (platform.os !== 'linux' || platform.libc === 'musl' || !['x64', 'arm64'].includes(platform.cpu)) {
    throw notFound(version, platform, 'only for Linux with glibc on amd64 and arm64; take a base image that has Node');
  }
  const name = `node-linux-${platform.cpu}`;
  const exact = await newestOf(name, version, platform, cache, signal);
  const known = (await cache.recall('node', `${name}@${exact}`)) as NodeLayer | undefined;
  if (isObject(known) && (await cache.has(known.descriptor))) return { ...known, reused: true };
  const directory = await mkdtemp(join(tmpdir(), 'ekiben-node-'));
  try {
    await npm(['pack', `${name}@${exact}`], directory, signal);
    const [tarball = ''] = (await readdir(directory)).filter((file) => file.endsWith('.tgz'));
    const files = await unpack(join(directory, tarball), directory);
    if (!files.some(({ path }) => path === NODE_PATH)) throw notFound(exact, platform, `${name} has no bin/node`);
    const layer = { ...(await makeLayer(files, cache)), version: exact };
    await cache.remember('node', `${name}@${exact}`, layer);
    return layer;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Newest {
  readonly version: string;
  readonly asked: number;
}

async function newestOf(
  name: string,
  range: string,
  platform: Platform,
  cache: BlobCache,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (/^\d+\.\d+\.\d+$/.test(range)) return range;
  if (!/^\d+(?:\.\d+)?$/.test(range)) throw notFound(range, platform, 'a version is written 20, 20.19 or 20.19.5');
  const known = (await cache.recall('newest-node', `${name}@${range}`)) as Newest | undefined;
  if (isObject(known) && Date.now() - known.asked < ASKED_MS) return known.version;
  try {
    const lines = await npm(['view', `${name}@${range}`, 'version'], tmpdir(), signal);
    const versions = lines.flatMap((line) => /(\d+\.\d+\.\d+)'?$/.exec(line)?.[1] ?? []);
    const version = versions.toSorted(byVersion).at(-1);
    if (version === undefined) throw notFound(range, platform, `the registry has no ${name}@${range}`);
    await cache.remember('newest-node', `${name}@${range}`, { version, asked: Date.now() });
    return version;
  } catch (error) {
    // Without a network, the one of last time will do.
    if (isObject(known) && EkibenError.is(error) && error.code === 'EKIBEN_PACKAGES_NOT_INSTALLED')
      return known.version;
    throw error;
  }
}

/** By the user's own npm, with its registry, proxy and login. */
async function npm(args: readonly string[], cwd: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const said: string[] = [];
  // Windows starts npm through a shell only.
  const shell = process.platform === 'win32';
  const onLog = (line: string): void => void said.push(line);
  const { code } = await runProgram('npm', [...args, '--loglevel=error'], { cwd, shell, signal, onLog });
  if (code === 0) return said;
  throw new EkibenError(
    'EKIBEN_PACKAGES_NOT_INSTALLED',
    `\`npm ${args.slice(0, 2).join(' ')}\` failed; npm says:\n${said.join('\n') || 'nothing: it is not installed'}`,
  );
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The program and its licence. */
const WANTED: Readonly<Record<string, { readonly path: string; readonly executable: boolean }>> = {
  'package/bin/node': { path: NODE_PATH, executable: true },
  'package/LICENSE': { path: 'usr/local/share/doc/node/LICENSE', executable: false },
};

async function unpack(tarball: string, directory: string): Promise<readonly LayerFile[]> {
  const files: LayerFile[] = [];
  const tar = extract();
  const reading = pipeline(createReadStream(tarball), createGunzip(), tar);
  reading.catch(() => {});
  for await (const entry of tar) {
    const wanted = WANTED[entry.header.name];
    if (wanted === undefined || entry.header.type !== 'file') {
      entry.resume();
      continue;
    }
    const source = join(directory, `file-${files.length}`);
    await pipeline(entry, createWriteStream(source));
    files.push({ ...wanted, content: { source } });
  }
  await reading;
  return files;
}

function notFound(version: string, platform: Platform, why: string): EkibenError {
  return new EkibenError('EKIBEN_NODE_NOT_FOUND', `No Node ${version} for ${formatPlatform(platform)}: ${why}.`);
}
