// What stays outside the bundle as a project of npm's, which every image of Node has: exact versions, and a lock file of version 3
// (https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json) that describes `node_modules` as the bento has it.
import type { Facts } from './facts.ts';
import type { PlacedPackage } from './outside.ts';

export function npmManifest(name: string, { bundle, tarballs, node }: Facts): object {
  const dependencies = bundle.outside.map(({ manifest }) => {
    const tarball = tarballs.find((each) => each.name === manifest.name);
    return [manifest.name, tarball === undefined ? manifest.version : `file:${tarball.path}`];
  });
  return {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: `>=${node}` },
    dependencies: Object.fromEntries(dependencies),
  };
}

export function npmLockfile(name: string, facts: Facts): object {
  const { type: _type, private: _private, ...root } = npmManifest(name, facts) as Readonly<Record<string, unknown>>;
  const packages = new Map(facts.locked.flatMap((placed) => elsewhere(placed, facts)));
  for (const placed of facts.locked) packages.set(placed.path, entry(placed, facts));
  return {
    name,
    version: '0.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: { '': root, ...Object.fromEntries([...packages].toSorted(([a], [b]) => (a < b ? -1 : 1))) },
  };
}

/**
 * Optional packages that are not installed here, being for other platforms: npm wants them in the lock file all the same, and the
 * bento's script may run on one of those.
 */
function elsewhere({ manifest, path }: PlacedPackage, { lockfile, locked }: Facts): readonly [string, object][] {
  const places = new Set(locked.map((placed) => placed.path));
  return Object.entries(manifest.optionalDependencies ?? {}).flatMap(([name, range]): [string, object][] => {
    if (places.has(`node_modules/${name}`) || places.has(`${path}/node_modules/${name}`)) return [];
    const id = lockfile.packages.has(`${name}@${range}`)
      ? `${name}@${range}`
      : [...lockfile.packages.keys()].find((each) => each.startsWith(`${name}@`));
    if (id === undefined) return [];
    const { integrity, os, cpu, libc } = lockfile.packages.get(id) ?? {};
    const version = id.slice(name.length + 1);
    return [[`node_modules/${name}`, { version, optional: true, ...defined({ integrity, os, cpu, libc }) }]];
  });
}

function defined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function entry({ manifest, optional }: PlacedPackage, { lockfile, tarballs, locked }: Facts): object {
  const { name, version, dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta, os, cpu, libc } =
    manifest;
  const tarball = tarballs.find((each) => each.name === name && each.version === version);
  const versionOf = (other: string) => locked.find((each) => each.manifest.name === other)?.manifest.version;
  const integrity = tarball?.integrity ?? lockfile.packages.get(`${name}@${version}`)?.integrity;
  return {
    version,
    ...defined({
      resolved: tarball === undefined ? undefined : `file:${tarball.path}`,
      integrity,
      optional: optional ? true : undefined,
      dependencies: dependencies === undefined ? undefined : withoutWorkspaces(dependencies, versionOf),
      optionalDependencies,
      peerDependencies,
      peerDependenciesMeta,
      os,
      cpu,
      libc,
    }),
  };
}

/** pnpm's and yarn's `workspace:^` as it is published. */
export function withoutWorkspaces(
  dependencies: Readonly<Record<string, string>>,
  versionOf: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, range]) => {
      if (!range.startsWith('workspace:')) return [name, range];
      const rest = range.slice('workspace:'.length);
      return [name, /^[\^~*]?$/.test(rest) ? `${rest.replace('*', '')}${versionOf(name) ?? ''}` || '*' : rest];
    }),
  );
}
