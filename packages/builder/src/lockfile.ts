// The lock file of a project, of whichever package manager: where it is, and what it says of the packages that are locked.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EkibenError } from '@ekiben/spec';
import { load } from 'js-yaml';
import type { PackageManager } from './bentofile.ts';
import type { Package } from './package-root.ts';

export interface LockedPackage {
  /** As `sha512-…`, of npm's tarball; checksums of yarn 2 and newer are of archives that it packs itself. */
  readonly integrity: string | undefined;
  readonly os: readonly string[] | undefined;
  readonly cpu: readonly string[] | undefined;
  readonly libc: readonly string[] | undefined;
  /** Whether it came from a file on this machine, which nobody else could install from. */
  readonly isLocal: boolean;
}

export interface Lockfile {
  /** Absolute path; undefined for a project without any. */
  readonly path: string | undefined;
  readonly manager: PackageManager;
  /** By `name@version`; empty for a project without a lock file. */
  readonly packages: ReadonlyMap<string, LockedPackage>;
}

const FILES: readonly (readonly [string, PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['yarn.lock', 'yarn'],
];

/**
 * The lock file in the project, or in the nearest folder above it: a member of a workspace has none of its own.
 * @throws EKIBEN_LOCKFILE_INVALID
 */
export async function readLockfile(
  project: string,
  named: { readonly lockfile: string | undefined; readonly packageManager: PackageManager | undefined },
): Promise<Lockfile> {
  const found =
    named.lockfile === undefined
      ? nearestLockfile(project, named.packageManager)
      : givenLockfile(project, named.lockfile);
  if (found === undefined) return { path: undefined, manager: named.packageManager ?? 'npm', packages: new Map() };
  const { path, manager } = found;
  try {
    return { path, manager, packages: READERS[manager](await readFile(path, 'utf8')) };
  } catch (cause) {
    throw new EkibenError(
      'EKIBEN_LOCKFILE_INVALID',
      `${path} cannot be read as a lock file of ${manager}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

interface Found {
  readonly path: string;
  readonly manager: PackageManager;
}

function givenLockfile(project: string, lockfile: string): Found {
  const path = resolve(project, lockfile);
  const manager = FILES.find(([name]) => path.endsWith(name))?.[1];
  if (manager !== undefined && existsSync(path)) return { path, manager };
  const names = FILES.map(([name]) => name).join(', ');
  throw new EkibenError('EKIBEN_LOCKFILE_INVALID', `node.lockfile: ${path} is no lock file; they are called ${names}.`);
}

function nearestLockfile(project: string, wanted: PackageManager | undefined): Found | undefined {
  for (let folder = project; ; folder = dirname(folder)) {
    for (const [name, manager] of FILES) {
      const path = join(folder, name);
      if ((wanted === undefined || wanted === manager) && existsSync(path)) return { path, manager };
    }
    // Not further than the repository.
    if (existsSync(join(folder, '.git')) || dirname(folder) === folder) return undefined;
  }
}

type Locked = ReadonlyMap<string, LockedPackage>;

const READERS: Readonly<Record<PackageManager, (text: string) => Locked>> = {
  pnpm: readPnpm,
  npm: readNpm,
  yarn: (text) => (text.includes('__metadata:') ? readYarnBerry(text) : readYarnClassic(text)),
};

/**
 * Keys are `name@version` or `name@file:…`; before version 9, `/name@version(peers)`. pnpm writes one way only, so that the blocks can
 * be told apart without reading all of a large file as YAML.
 */
function readPnpm(text: string): Locked {
  if (!/^lockfileVersion:/m.test(text)) throw new TypeError('it has no lockfileVersion');
  const [, section = ''] = /^packages:\n([\s\S]*?)(?=^\S|$(?![\s\S]))/m.exec(text) ?? [];
  const blocks = section.split(/\n(?= {2}\S)/);
  return new Map(
    blocks.flatMap((block): [string, LockedPackage][] => {
      const id = /^\s*'?\/?(@?[^@\s'][^\s'(]*)/.exec(block)?.[1]?.replace(/:$/, '');
      if (id === undefined) return [];
      const name = id.slice(0, id.indexOf('@', 1));
      const list = (field: string) => new RegExp(`^ {4}${field}: \\[(.*)\\]$`, 'm').exec(block)?.[1]?.split(', ');
      const version = /^ {4}version: '?([^\s']+)/m.exec(block)?.[1];
      const locked = {
        integrity: /\bintegrity: ([^,}\s]+)/.exec(block)?.[1],
        os: list('os'),
        cpu: list('cpu'),
        libc: list('libc'),
        isLocal: id.startsWith(`${name}@file:`),
      };
      return [[version === undefined ? id : `${name}@${version}`, locked]];
    }),
  );
}

interface NpmPackage {
  readonly version?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly resolved?: string;
  readonly name?: string;
  readonly integrity?: string;
}

function readNpm(text: string): Locked {
  const { packages } = JSON.parse(text) as { readonly packages?: Readonly<Record<string, NpmPackage>> };
  if (packages === undefined) throw new TypeError('it is of version 1; npm 7 or newer writes version 2 and 3');
  return new Map(
    Object.entries(packages).flatMap(([path, { version, name, resolved, integrity, os, cpu, libc }]) => {
      const at = path.lastIndexOf('node_modules/');
      if (at < 0 || version === undefined) return [];
      return [
        [
          `${name ?? path.slice(at + 'node_modules/'.length)}@${version}`,
          { integrity, os, cpu, libc, isLocal: resolved?.startsWith('file:') ?? false },
        ],
      ];
    }),
  );
}

/** Its own format: a line of `name@range` patterns, and indented facts. */
function readYarnClassic(text: string): Locked {
  const blocks = text.split(/\n(?=\S)/).filter((block) => /^"?@?[^#\s]/.test(block));
  return new Map(
    blocks.flatMap((block) => {
      const name = /^"?(@?[^@\s"]+)@/.exec(block)?.[1];
      const version = /^ {2}version "([^"]+)"/m.exec(block)?.[1];
      const integrity = /^ {2}integrity (\S+)/m.exec(block)?.[1];
      if (name === undefined || version === undefined) return [];
      const isLocal = /^ {2}resolved "file:/m.test(block);
      return [[`${name}@${version}`, { integrity, os: undefined, cpu: undefined, libc: undefined, isLocal }]];
    }),
  );
}

function readYarnBerry(text: string): Locked {
  const entries = Object.values(load(text) as Readonly<Record<string, Readonly<Record<string, unknown>>>>);
  return new Map(
    entries.flatMap(({ resolution, version, conditions }) => {
      const [, name, source = ''] = /^(@?[^@]+)@(.+)$/.exec(String(resolution)) ?? [];
      if (name === undefined || typeof version !== 'string' || source.startsWith('workspace:')) return [];
      const only = (field: string) => new RegExp(`${field}=(\\S+)`).exec(String(conditions))?.slice(1);
      const isLocal = source.startsWith('file:');
      return [
        [`${name}@${version}`, { integrity: undefined, os: only('os'), cpu: only('cpu'), libc: only('libc'), isLocal }],
      ];
    }),
  );
}

/**
 * What is installed must be what is locked, or another installation would serve something else.
 * @throws EKIBEN_LOCKFILE_OUTDATED
 */
export function checkLocked({ path, manager, packages }: Lockfile, installed: readonly Package[]): void {
  if (path === undefined) return;
  const others = installed
    .map(({ manifest }) => `${manifest.name}@${manifest.version}`)
    .filter((id) => !packages.has(id));
  if (others.length === 0) return;
  throw new EkibenError(
    'EKIBEN_LOCKFILE_OUTDATED',
    `${path} does not have what is installed: ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}. Run \`${manager} install\`.`,
  );
}
